import { mkdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FailureError } from '../../failure.ts';
import type { Environment } from './facts.ts';
import { findProgram, setupEnvironment } from './facts.ts';
import { lockAsStep } from './lock.ts';
import { BUSYBOX_ARCHITECTURES, DPKG_SETTINGS, MOUNT_POINTS, PACKAGES, POLICY, stampText, SUITE } from './recipe.ts';
import type { Command, CommandOutcome } from './room.ts';
import { run, runInRoom, runInRoot } from './room.ts';
import type { StepSink } from './step.ts';
import { Step } from './step.ts';

const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** debootstrap's recipe for Debian's newest; older debootstraps do not know forky by name but make it the same way. */
const DEBOOTSTRAP_SCRIPT = '/usr/share/debootstrap/scripts/sid';

/** What the finished root takes (0.7 GB), with room for the downloads and a first build. */
const NEEDED_BYTES = 2.5e9;

/** How a root is made. */
export interface RootOptions {
  /** Where it is to be; its parent is made. */
  readonly root: string;
  readonly env: Environment;
  /** Gets what the commands write. */
  readonly log: string;
  readonly report: StepSink;
  readonly signal: AbortSignal;
}

/** The folder of a root that holds `amd64/busybox` and `arm64/busybox`: static programs, a whole userland each. */
export function busyboxFolder(root: string): string {
  return join(root, 'srv', 'busybox');
}

/** Whether a root is there and finished. */
export async function isRootReady(root: string): Promise<boolean> {
  const stamp = await readFile(stampFile(root), 'utf8').catch(() => '');
  return stamp === stampText();
}

/**
 * Makes the Debian root that holds dockerd and the programs around it, unless it is there. An attempt that was cut off
 * is taken up where its last finished stage ended.
 *
 * The mirror is `DEPOT_DEBIAN_MIRROR`, else Debian's own. Installs debootstrap on the machine when it is missing, and
 * nothing else there.
 * @throws FailureError `engine-failed` with the step and the last lines of its log
 */
export async function makeRoot(options: RootOptions): Promise<void> {
  if (await isRootReady(options.root)) return;
  const title = 'Wait for another set-up of the same engine';
  await using held = await lockAsStep(`root:${options.root}`, {
    title,
    report: options.report,
    signal: options.signal,
  });
  void held;
  if (await isRootReady(options.root)) return;

  const partial = `${options.root}.partial`;
  await mkdir(dirname(options.root), { recursive: true });
  await checkSpace(dirname(options.root));
  await installDebootstrap(options);
  if (!(await hasStage(partial, 'base'))) await bootstrap(partial, options);
  await installPackages(partial, options);
  await fetchBusybox(partial, options);
  await runInRoot(partial, command(options, ['apt-get', 'clean']), options);
  for (const folder of MOUNT_POINTS) await mkdir(join(partial, folder), { recursive: true });
  await writeFile(stampFile(partial), stampText());
  await rm(options.root, { recursive: true, force: true });
  await rename(partial, options.root);
}

async function checkSpace(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= NEEDED_BYTES) return;
  throw new FailureError({
    reason: 'engine-failed',
    step: 'check the disk',
    cause: `${folder} has ${gigabytes(bavail * bsize)} free and the engine needs ${gigabytes(NEEDED_BYTES)}`,
    hint: 'Free some space, or name another folder with DEPOT_DATA_DIR.',
  });
}

async function installDebootstrap(options: RootOptions): Promise<void> {
  if ((await findProgram('debootstrap', options.env)) !== undefined) return;
  const step = new Step(options.report, { id: 'install-debootstrap', title: 'Install debootstrap on this machine' });
  const apt = (...args: string[]): Promise<CommandOutcome> =>
    run(command(options, ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=120', ...args], step), options);
  // A machine fresh from an image has no package lists; a failing one (a dead third-party source) may still do.
  await apt('update');
  const outcome = await apt('install', '--no-install-recommends', 'debootstrap', 'debian-archive-keyring');
  if (outcome.exitCode !== 0)
    throw broken(step, outcome, 'Install debootstrap yourself (apt-get install debootstrap) and try again.');
  step.done();
}

async function bootstrap(partial: string, options: RootOptions): Promise<void> {
  const step = new Step(options.report, { id: 'make-root', title: `Make a Debian ${SUITE} root for the engine` });
  await rm(partial, { recursive: true, force: true });
  const mirror = options.env['DEPOT_DEBIAN_MIRROR'] ?? DEFAULT_MIRROR;
  const argv = [
    'debootstrap',
    '--variant=minbase',
    `--keyring=${KEYRING}`,
    SUITE,
    partial,
    mirror,
    DEBOOTSTRAP_SCRIPT,
  ] as const;
  const outcome = await runInRoom(command(options, argv, step), options);
  if (outcome.exitCode !== 0)
    throw broken(step, outcome, `Is ${mirror} reachable? DEPOT_DEBIAN_MIRROR names another mirror.`);
  await writeFile(join(partial, 'etc/dpkg/dpkg.cfg.d/depot'), DPKG_SETTINGS);
  await writeFile(join(partial, 'usr/sbin/policy-rc.d'), POLICY, { mode: 0o755 });
  await writeFile(join(partial, 'etc/apt/apt.conf.d/90machine'), await machineAptSettings(options));
  await setStage(partial, 'base');
  step.done();
}

/**
 * Whether the machine's own apt accepts package lists past their date: one that works from a mirror that stands still,
 * or whose clock is off, has been told so already, and the root needs the same.
 */
async function machineAptSettings(options: RootOptions): Promise<string> {
  const names = ['Acquire::Check-Valid-Until', 'Acquire::Check-Date'];
  const outcome = await run(command(options, ['apt-config', 'dump', '--no-empty', ...names]), options);
  return outcome.exitCode === 0 ? `${outcome.stdout}\n` : '';
}

async function installPackages(partial: string, options: RootOptions): Promise<void> {
  if (await hasStage(partial, 'packages')) return;
  const step = new Step(options.report, {
    id: 'install-packages',
    title: 'Install docker.io and its companions into it',
  });
  await copyResolver(partial);
  const inRoot = (...argv: [string, ...string[]]): Promise<CommandOutcome> =>
    runInRoot(partial, command(options, argv, step), options);
  // Finishes what a killed dpkg left half done; does nothing in a fresh root.
  await inRoot('dpkg', '--configure', '-a', '--force-confold');
  const update = await inRoot('apt-get', '-q', 'update');
  if (update.exitCode !== 0) throw broken(step, update);
  const outcome = await inRoot(
    'apt-get',
    '-q',
    '-y',
    '--no-install-recommends',
    '--fix-broken',
    'install',
    ...PACKAGES,
  );
  if (outcome.exitCode !== 0) {
    // Where half an installation cannot be mended, the next attempt shall not stumble over it.
    await rm(stageFile(partial, 'base'), { force: true });
    throw broken(step, outcome, 'Run it again: it starts this root anew.');
  }
  await setStage(partial, 'packages');
  step.done();
}

/** Debian's static busybox of both architectures: base images for who has no registry to pull from. */
async function fetchBusybox(partial: string, options: RootOptions): Promise<void> {
  if (await hasStage(partial, 'busybox')) return;
  const step = new Step(options.report, { id: 'fetch-busybox', title: 'Fetch static busybox for amd64 and arm64' });
  await copyResolver(partial);
  const inRoot = async (...argv: [string, ...string[]]): Promise<void> => {
    const outcome = await runInRoot(partial, command(options, argv, step), options);
    if (outcome.exitCode !== 0) throw broken(step, outcome);
  };
  for (const architecture of BUSYBOX_ARCHITECTURES) {
    const folder = `/srv/busybox/${architecture}`;
    await rm(join(partial, folder), { recursive: true, force: true });
    await mkdir(join(partial, folder, 'deb'), { recursive: true });
    const lists = ['-o', `APT::Architecture=${architecture}`, '-o', 'APT::Sandbox::User=root'] as const;
    await inRoot('apt-get', '-q', ...lists, 'update');
    await inRoot('env', '-C', `${folder}/deb`, 'apt-get', '-q', ...lists, 'download', 'busybox-static');
    await inRoot(
      'sh',
      '-c',
      'dpkg-deb -x "$1"/deb/*.deb "$1"/tree && mv "$1"/tree/usr/bin/busybox "$1"/busybox',
      'sh',
      folder,
    );
    await rm(join(partial, folder, 'deb'), { recursive: true });
    await rm(join(partial, folder, 'tree'), { recursive: true });
  }
  await setStage(partial, 'busybox');
  step.done();
}

/** The set-up may be taken up on another network than it was begun on. */
async function copyResolver(partial: string): Promise<void> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => undefined);
  if (text === undefined) return;
  await rm(join(partial, 'etc/resolv.conf'), { force: true });
  await writeFile(join(partial, 'etc/resolv.conf'), text);
}

function command(options: RootOptions, argv: readonly [string, ...string[]], step?: Step): Command {
  return {
    argv,
    env: setupEnvironment(options.env),
    log: options.log,
    ...(step === undefined ? {} : { onLine: (line: string) => step.running(line.trim()) }),
  };
}

function broken(step: Step, outcome: CommandOutcome, hint?: string): FailureError {
  const cause =
    outcome.tail.findLast((line) => /^E: |error|cannot|fail/i.test(line)) ?? `exit code ${outcome.exitCode ?? 'none'}`;
  step.failed(cause);
  return new FailureError({
    reason: 'engine-failed',
    step: step.title,
    cause,
    logTail: outcome.tail,
    ...(hint === undefined ? {} : { hint }),
  });
}

type Stage = 'base' | 'packages' | 'busybox';

function stageFile(partial: string, stage: Stage): string {
  return join(partial, `.depot-${stage}`);
}

async function hasStage(partial: string, stage: Stage): Promise<boolean> {
  return (await readFile(stageFile(partial, stage), 'utf8').catch(() => '')) === stampText();
}

function setStage(partial: string, stage: Stage): Promise<void> {
  return writeFile(stageFile(partial, stage), stampText());
}

function stampFile(root: string): string {
  return join(root, '.depot-root.json');
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
