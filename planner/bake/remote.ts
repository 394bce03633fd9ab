import { isRemoteUrl } from '../options/url.ts';
import type { SourceFile } from '../source.ts';

/** A definition that lies elsewhere, as far as it has been read. */
export interface RemoteDefinition {
  readonly url: string;
  /** `tree`: a repository or an archive, whose folders contexts may be; `file`: nothing but the definition itself. */
  readonly kind: 'tree' | 'file';
  /** The definition files in it, in the order of merging. */
  readonly files: readonly SourceFile[];
}

/** What the words of a `bake` command line are. */
export interface BakeWords {
  /** Where the definition is, when it is not here. */
  readonly url?: string;
  /** `BAKE_CMD_CONTEXT`: the second URL, or the working directory. */
  readonly commandContext: string;
  readonly targets: readonly string[];
}

/** Takes `[URL [URL2]] [TARGET...]` apart (buildx `commands/bake.go`, `bakeArgs`). */
export function bakeWords(words: readonly string[]): BakeWords {
  const [url, second] = words;
  if (url === undefined || !isRemoteUrl(url)) return { commandContext: 'cwd://', targets: words };
  if (second === undefined || !isRemoteUrl(second)) return { url, commandContext: 'cwd://', targets: words.slice(1) };
  return { url, commandContext: second, targets: words.slice(2) };
}
