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
import { sshProblem } from '../options/ssh.ts';
import { isRemoteUrl } from '../options/url.ts';
import type { Target } from '../target.ts';
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
  const mistakes = [
    ...sourceProblems(raw, target, context),
    ...platformProblems(target),
    ...target.annotations.flatMap((one) =>
      problem(
        'annotations',
        annotationProblem(one),
        'write key=value, or index:key=value, manifest[linux/amd64]:key=value',
      ),
    ),
    ...target.ulimits.flatMap((one) => problem('ulimits', ulimitProblem(one), 'write name=soft or name=soft:hard')),
    ...sizeProblems(target),
    ...outputProblems(target, context),
    ...secretProblems(target, context),
    ...target.ssh.flatMap((one) =>
      problem('ssh', sshProblem(one, context), 'start an agent, or name a private key: id=path'),
    ),
    ...(context.isPrinted ? [] : tagProblems(target)),
  ];
  return {
    mistakes: mistakes.map((one) => placed(raw, 'invalid-value', one)),
    warnings: platformWarnings(target).map((one) => placed(raw, 'doubtful', one)),
  };
}

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

function problem(attribute: string, message: string | undefined, hint: string): readonly Problem[] {
  return message === undefined ? [] : [{ attribute, message, hint }];
}

function sourceProblems(raw: RawTarget, target: Target, context: FinishContext): readonly Problem[] {
  const found: Problem[] = [];
  if (dockerfileIsElsewhere(raw, target, context)) {
    found.push({
      attribute: raw.dockerfile === undefined ? 'context' : 'dockerfile',
      message: 'reading a dockerfile for a remote build invocation is currently not supported',
      hint: 'write cwd://PATH for a local Dockerfile, or take a context of the remote definition',
    });
  }
  if (raw.context === '-') {
    const message = 'context from stdin not allowed in bake';
    found.push({ attribute: 'context', message, hint: 'name a folder or a URL' });
  }
  if (raw.dockerfile === '-') {
    const message = 'dockerfile from stdin not allowed in bake';
    found.push({ attribute: 'dockerfile', message, hint: 'name a file, or use dockerfile-inline' });
  }
  return found;
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

function platformProblems({ platforms }: Target): readonly Problem[] {
  return platforms.flatMap((one) =>
    problem('platforms', platformProblem(one), 'write os/arch or os/arch/variant, such as linux/amd64'),
  );
}

/** The daemon builds for any word; an image for a misspelt architecture runs nowhere. */
function platformWarnings({ platforms }: Target): readonly Problem[] {
  return platforms
    .flatMap((one) => one.split(','))
    .flatMap((one) => {
      const unknown = platformProblem(one) === undefined ? unknownArchitecture(one) : undefined;
      if (unknown === undefined) return [];
      const message = `the platform ${JSON.stringify(one)} has an unknown architecture`;
      return [{ attribute: 'platforms', message, hint: unknown.hint }];
    });
}

function sizeProblems({ shmSize = '' }: Target): readonly Problem[] {
  const isSize = shmSize === '' || sizeBytes(shmSize) !== undefined;
  return isSize ? [] : problem('shm-size', `invalid size: '${shmSize}'`, 'write a number with b, k, m or g');
}

function outputProblems({ outputs }: Target, { fs }: FinishContext): readonly Problem[] {
  const found = outputs.flatMap(({ type, attrs: { dest } }) => {
    if (type !== 'local') return [];
    if (dest === undefined || dest === '')
      return problem('output', 'dest is required for local exporter', 'write type=local,dest=folder');
    const isFile = fs.kind(dest) === 'file';
    return isFile ? problem('output', `destination directory ${dest} is a file`, 'name a folder') : [];
  });
  const toStdout = outputs.filter(({ attrs }) => attrs.dest === '-');
  if (toStdout.length < 2) return found;
  return [...found, ...problem('output', 'multiple outputs configured to write to stdout', 'give them a dest')];
}

function secretProblems({ secrets }: Target, { environment, fs }: FinishContext): readonly Problem[] {
  return secrets.flatMap((secret) => {
    const { id } = secret;
    const file = secretFile(secret, environment);
    if (id === '') return problem('secret', 'a secret needs an id', 'write id=name,src=file or id=name,env=VARIABLE');
    if (file === undefined || fs.kind(file) !== undefined) return [];
    const message = `failed to stat ${file}: stat ${file}: no such file or directory`;
    return problem('secret', message, `create the file, or set the environment variable ${id}`);
  });
}

function tagProblems({ tags }: Target): readonly Problem[] {
  return tags.flatMap((tag) => {
    const message = referenceProblem(tag);
    if (message === undefined) return [];
    return problem(
      'tags',
      `invalid tag ${JSON.stringify(tag)}: ${message}`,
      'write registry.example/name:tag in lowercase',
    );
  });
}
