/**
 * Filling a folder anywhere but below the working directory, and removing what else is in it. It is granted here, and not
 * known to builders (docker/buildx `util/buildflags/entitlements.go`).
 */
export const LOCAL_DELETE = 'buildx.local.delete';

const OF_BUILDERS = /^(?:network\.host|security\.insecure|device(?:=.*)?)$/;

/** What is wrong with a value of `build --allow`; undefined when nothing is. One that is empty is passed over. */
export function entitlementProblem(text: string): string | undefined {
  if (text === '' || text === LOCAL_DELETE || OF_BUILDERS.test(text)) return undefined;
  return text.startsWith(`${LOCAL_DELETE}=`)
    ? `${LOCAL_DELETE} does not take a value`
    : 'BuildKit has no entitlement of that name';
}
