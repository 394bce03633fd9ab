import path from 'node:path/posix';
import type { Diagnostic } from '../diagnostic.ts';
import {
  annotationProblem,
  platformProblem,
  sizeBytes,
  ulimitProblem,
  unknownArchitecture,
} from '../options/checks.ts';
import { referenceProblem } from '../options/reference.ts';
import { secretFile } from '../options/secret.ts';
import { SSH_HINT, sshProblem } from '../options/ssh.ts';
import { isRemoteUrl } from '../options/url.ts';
import type { SecretEntry, Target } from '../target.ts';
import type { FinishContext } from './finish.ts';
import type { RawTarget } from './raw-target.ts';
import { placeOf } from './raw-target.ts';

/** Something about one attribute of a target. */
interface Problem {
  readonly attribute: string;
  readonly message: string;
  readonly hint: string;
}

/** What is wrong with a target, and what of it is hardly meant. */
export interface TargetChecks {
  readonly mistakes: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

/**
 * The checks of a resolved target that `--print` makes as well (buildx `bake/bake.go`, `TargetsToBuildOpt`), and, when it is
 * to be built, what the daemon would only tell at the end.
 */
export function checkTarget(raw: RawTarget, target: Target, context: FinishContext): TargetChecks {
  const found: Problem[] = [];
  sourceProblems(raw, target, context, found);
  for (const one of target.platforms) put(found, 'platforms', platformProblem(one), PLATFORM_FORM);
  for (const one of target.annotations) put(found, 'annotations', annotationProblem(one), ANNOTATION_FORM);
  for (const one of target.ulimits) put(found, 'ulimits', ulimitProblem(one), 'write name=soft or name=soft:hard');
  if (target.shmSize !== undefined)
    put(found, 'shm-size', sizeProblem(target.shmSize), 'write a number with b, k, m or g');
  if (target.outputs.length > 0) outputProblems(target, context, found);
  for (const one of target.secrets) secretProblem(one, context, found);
  for (const one of target.ssh) put(found, 'ssh', sshProblem(one, context), SSH_HINT);
  if (!context.isPrinted) tagProblems(target, found);
  return {
    mistakes: found.map((one) => placed(raw, 'invalid-value', one)),
    warnings: platformWarnings(target).map((one) => placed(raw, 'doubtful', one)),
  };
}

const PLATFORM_FORM = 'write os/arch or os/arch/variant, such as linux/amd64';
const ANNOTATION_FORM = 'write key=value, or index:key=value, manifest[linux/amd64]:key=value';

function placed(raw: RawTarget, reason: string, { attribute, message, hint }: Problem): Diagnostic {
  const { span, through } = placeOf(raw, attribute) ?? { span: raw.places.get(''), through: [] };
  return {
    reason,
    message: `target "${raw.name}": ${message}`,
    hint,
    ...(span === undefined ? {} : { span }),
    ...(through.length === 0
      ? {}
      : { related: through.map((one) => ({ message: 'it is inherited here', span: one })) }),
  };
}

function put(into: Problem[], attribute: string, message: string | undefined, hint: string): void {
  if (message !== undefined) into.push({ attribute, message, hint });
}

function sourceProblems(raw: RawTarget, target: Target, context: FinishContext, found: Problem[]): void {
  if (dockerfileIsElsewhere(raw, target, context)) {
    found.push({
      attribute: raw.dockerfile === undefined ? 'context' : 'dockerfile',
      message: 'reading a dockerfile for a remote build invocation is currently not supported',
      hint: 'write cwd://PATH for a local Dockerfile, or take a context of the remote definition',
    });
  }
  if (context.mayReadStdin === true) return;
  if (raw.context === '-') {
    const message = 'context from stdin not allowed in bake';
    found.push({ attribute: 'context', message, hint: 'name a folder or a URL' });
  }
  if (raw.dockerfile === '-') {
    const message = 'dockerfile from stdin not allowed in bake';
    found.push({ attribute: 'dockerfile', message, hint: 'name a file, or use dockerfile-inline' });
  }
}

/** A Dockerfile is looked for in its context, so that one of a remote definition is out of reach of a local context. */
function dockerfileIsElsewhere(
  { context: said = '', dockerfile = 'Dockerfile', dockerfileInline }: RawTarget,
  { context }: Target,
  { fs, remote }: FinishContext,
): boolean {
  const isLocal = remote?.kind === 'tree' && said.startsWith('cwd://') && dockerfileInline === undefined;
  if (!isLocal || dockerfile.startsWith('cwd://') || isRemoteUrl(dockerfile)) return false;
  return fs.kind(path.join(context, dockerfile)) !== undefined;
}

/** The daemon builds for any word; an image for a misspelt architecture runs nowhere. */
function platformWarnings({ platforms }: Target): readonly Problem[] {
  const found: Problem[] = [];
  for (const one of platforms.flatMap((listed) => listed.split(','))) {
    const unknown = platformProblem(one) === undefined ? unknownArchitecture(one) : undefined;
    const message = `the platform ${JSON.stringify(one)} has an unknown architecture`;
    if (unknown !== undefined) found.push({ attribute: 'platforms', message, hint: unknown.hint });
  }
  return found;
}

function sizeProblem(size: string): string | undefined {
  return size === '' || sizeBytes(size) !== undefined ? undefined : `invalid size: '${size}'`;
}

function outputProblems({ outputs }: Target, { fs }: FinishContext, found: Problem[]): void {
  for (const { type, attrs } of outputs) {
    if (type !== 'local') continue;
    const { dest = '' } = attrs;
    if (dest === '') put(found, 'output', 'dest is required for local exporter', 'write type=local,dest=folder');
    else if (fs.kind(dest) === 'file') put(found, 'output', `destination directory ${dest} is a file`, 'name a folder');
  }
  if (outputs.filter(({ attrs }) => attrs.dest === '-').length > 1)
    put(found, 'output', 'multiple outputs configured to write to stdout', 'give them a dest');
}

function secretProblem(secret: SecretEntry, { environment, fs }: FinishContext, found: Problem[]): void {
  const { id } = secret;
  const file = secretFile(secret, environment);
  if (id === '') put(found, 'secret', 'a secret needs an id', 'write id=name,src=file or id=name,env=VARIABLE');
  else if (file !== undefined && fs.kind(file) === undefined) {
    const message = `failed to stat ${file}: stat ${file}: no such file or directory`;
    const otherwise = secret.src === undefined ? `set the environment variable ${id}` : 'name another with src=';
    put(found, 'secret', message, `create the file, or ${otherwise}`);
  }
}

function tagProblems({ tags }: Target, found: Problem[]): void {
  for (const tag of tags) {
    const problem = referenceProblem(tag);
    if (problem === undefined) continue;
    const message = `invalid tag ${JSON.stringify(tag)}: ${problem}`;
    put(found, 'tags', message, 'write registry.example/name:tag in lowercase');
  }
}
