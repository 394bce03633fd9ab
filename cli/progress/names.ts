/**
 * The name of a step with its target, where several are built: `[internal] load` of target app is `[app internal] load`
 * (docker/buildx `util/progress`).
 */
export function stepName(name: string, target: string, several: boolean): string {
  if (!several) return name;
  return name.startsWith('[') ? `[${target} ${name.slice(1)}` : `[${target}] ${name}`;
}
