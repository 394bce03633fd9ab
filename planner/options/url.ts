/** Whether a context or definition is fetched from elsewhere (buildx `build/opt.go`, moby/buildkit `util/gitutil`). */
export function isRemoteUrl(text: string): boolean {
  return /^(?:https?|git|ssh):\/\/|^github\.com\//.test(text) || isScpStyle(text);
}

/** Whether it is a git repository that is reached by ssh. */
export function isGitOverSsh(text: string): boolean {
  return text.startsWith('ssh://') || isScpStyle(text);
}

/** `user@host:path`. */
function isScpStyle(text: string): boolean {
  return /^[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:(?!\/\/)/.test(text);
}
