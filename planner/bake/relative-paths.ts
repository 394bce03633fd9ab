import path from 'node:path/posix';
import type { Block } from '../hcl/ast.ts';
import { isRemoteUrl } from '../options/url.ts';
import type { RawTarget } from './raw-target.ts';

/**
 * A target as its block says it, with the context and the named contexts that are folders seen from the working directory
 * instead of from the block's file (buildx, `BUILDX_BAKE_FILE_RELATIVE_PATHS`).
 */
export function relativeToFile(target: RawTarget, block: Block): RawTarget {
  const { name: file } = block.typeSpan.file;
  return isRemoteUrl(file) ? target : relativeToFolder(target, path.dirname(file));
}

/** The same for a folder. A target that names no context has the folder itself, unless it may inherit another. */
export function relativeToFolder(target: RawTarget, folder: string): RawTarget {
  const placed = (value: string): string => (isFolder(value) ? path.join(folder, value) : value);
  const contexts = target.contexts && new Map([...target.contexts].map(([name, value]) => [name, placed(value)]));
  const inherits = (target.inherits ?? []).length > 0;
  return {
    ...target,
    ...(target.context === undefined && inherits ? {} : { context: placed(target.context ?? '.') }),
    ...(contexts === undefined ? {} : { contexts }),
  };
}

function isFolder(value: string): boolean {
  const elsewhere = /^(?:cwd:\/\/|target:|docker-image:\/\/|oci-layout:\/\/|\/|-$|$)/.test(value);
  return !elsewhere && !isRemoteUrl(value);
}
