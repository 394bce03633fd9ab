import { mkdir, readFile, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FailureError } from '../../failure.ts';
import type { DockerPing } from '../../docker/api.ts';
import { logTail, runningDaemon, startDaemon, stopDaemon } from './daemon.ts';
import { foreignArchitecture, readEmulation, REGISTER, unregisterEmulation } from './emulation.ts';
import type { Environment, MachineFacts } from './facts.ts';
import { setupEnvironment } from './facts.ts';
import { lock, lockAsStep } from './lock.ts';
import { makeBridge, removeBridge } from './network.ts';
import type { EnginePaths } from './paths.ts';
import { pingSandbox } from './probe.ts';
import type { ProcessIdentity } from './process.ts';
import { makeRoot } from './root.ts';
import { checkSocketPath } from './socket.ts';
import type { StepSink } from './step.ts';
import { Step } from './step.ts';

/** How long dockerd may take to answer; a cold disk and a large cache make it slow. */
const START_LIMIT_MS = 60_000;

/** How long it may take to end its containers and itself before it is ended. */
const STOP_GRACE_MS = 20_000;

/** How long undoing a start that failed or was cancelled may take in all. */
const TAKE_BACK_MS = 30_000;

/** In the run folder: the word that says what came of registering emulation. */
const EMULATION = 'emulation';

/**
 * Builds the daemon's own view of the file system and enters it: the Debian root, read-only, with the folders it may
 * write. `/` must be a mount point, or runc cannot make it private: hence the bind onto itself and pivot_root(2).
 * docker-init (tini) is the first process, so that orphans of containers are reaped.
 */
const SCRIPT = `
root=$1 data=$2 etc=$3 foreign=$4
shift 4
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mkdir "$root/run/depot"
mount --bind "$run" "$root/run/depot"
mount --bind "$data" "$root/var/lib/docker"
mount --bind "$etc" "$root/etc/docker"
mount --bind "$etc/resolv.conf" "$root/etc/resolv.conf"
cd "$root"
pivot_root . mnt
cd /
umount -l /mnt
answer=/run/depot/emulation
${REGISTER}
exec docker-init -- dockerd "$@"
`;

/** What every act on the sandboxed engine needs to know. */
export interface SandboxOptions {
  readonly paths: EnginePaths;
  readonly facts: MachineFacts;
  readonly env: Environment;
  readonly report: StepSink;
  readonly signal: AbortSignal;
  /** How it keeps images: with containerd (the default), or the older way, which has neither indexes nor pushes of builds. */
  readonly imageStore?: ImageStore;
}

/** Where a Docker Engine keeps its images (moby `features.containerd-snapshotter`). */
export type ImageStore = 'containerd' | 'classic';

/** What we must remember of a start to take it back. */
interface SandboxState {
  readonly root: string;
}

/**
 * Sets the sandboxed Docker Engine up, as far as it is not, and starts it, unless it runs.
 * @throws FailureError with the step that failed
 */
export async function startSandbox(options: SandboxOptions): Promise<DockerPing> {
  const { paths, signal } = options;
  const title = 'Wait for another start of the same engine';
  await using held = await lockAsStep(`engine:${paths.folder}`, { title, report: options.report, signal });
  void held;
  const running = await pingSandbox(paths.socket, signal);
  if (running !== undefined) return running;

  checkSocketPath(paths.socket);
  await mkdir(paths.folder, { recursive: true });
  await makeRoot({ root: paths.root, env: options.env, log: paths.setupLog, report: options.report, signal });
  await clearRemains(paths, signal);
  // Before anything is done to the machine, so that `down` knows even after a kill what there may be to take back.
  await writeFile(paths.state, `${JSON.stringify({ root: paths.root } satisfies SandboxState)}\n`);
  try {
    await network(options);
    const version = await startDockerd(options);
    await tellEmulation(options);
    return version;
  } catch (error) {
    // What cannot be taken back now is so by the next start or stop; the failure to tell is the first one.
    await takeBack({ ...options, signal: AbortSignal.timeout(TAKE_BACK_MS) }).catch(() => undefined);
    throw error;
  }
}

/**
 * Stops the sandboxed engine and takes back what its start did to the machine; also what is left of one that was killed.
 * Images and cache stay. False when there was nothing to stop.
 */
export async function stopSandbox(options: Omit<SandboxOptions, 'env'>): Promise<boolean> {
  const { paths, signal } = options;
  await using held = await lock(`engine:${paths.folder}`, { signal });
  void held;
  if ((await readState(paths)) === undefined && (await runningDaemon(paths.run)) === undefined) return false;
  const step = new Step(options.report, { id: 'stop-dockerd', title: 'Stop the sandboxed Docker Engine' });
  await takeBack(options);
  step.done();
  return true;
}

/** Ends the daemon, and undoes what its start did to the machine. */
async function takeBack({ paths, facts, signal }: Omit<SandboxOptions, 'env' | 'report'>): Promise<void> {
  await stopDaemon(paths.run, { graceMs: STOP_GRACE_MS, signal });
  const root = (await readState(paths))?.root ?? paths.root;
  await removeBridge({ root, bridge: paths.bridge, signal });
  await removeControlGroups(paths.bridge);
  const emulation = await readEmulation(join(paths.run, EMULATION), facts.architecture);
  if (emulation.is === 'on' && emulation.ours && !(await anotherSandboxRuns(paths.bridge))) {
    await unregisterEmulation(facts.architecture, { root, signal });
  }
  await rm(paths.run, { recursive: true, force: true });
  await rm(paths.state, { force: true });
}

/** The first process of the sandboxed engine, if it runs. */
export function sandboxProcess(paths: EnginePaths): Promise<ProcessIdentity | undefined> {
  return runningDaemon(paths.run);
}

/** Whether the sandboxed engine was started and not stopped since, whatever became of it. */
export async function wasSandboxStarted(paths: EnginePaths): Promise<boolean> {
  return (await readState(paths)) !== undefined;
}

/** A daemon that runs but does not answer (stopped, stuck) gives way to a new one; a dead one's socket is removed. */
async function clearRemains(paths: EnginePaths, signal: AbortSignal): Promise<void> {
  await stopDaemon(paths.run, { graceMs: STOP_GRACE_MS, signal });
  await rm(paths.socket, { force: true });
}

async function network({ paths, report, signal }: SandboxOptions): Promise<void> {
  const step = new Step(report, { id: 'make-bridge', title: 'Make a network for its containers' });
  try {
    const { subnet, closed } = await makeBridge({ root: paths.root, bridge: paths.bridge, signal });
    step.done(`${paths.bridge} ${subnet}${closed === undefined ? '' : `; no way out of it: ${closed}`}`);
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error ? error.message : String(error);
    step.failed(cause);
    throw new FailureError({ reason: 'engine-failed', step: step.title, cause });
  }
}

async function startDockerd({
  paths,
  facts,
  env,
  report,
  signal,
  imageStore = 'containerd',
}: SandboxOptions): Promise<DockerPing> {
  const step = new Step(report, { id: 'start-dockerd', title: 'Start dockerd' });
  for (const folder of [paths.run, paths.data, paths.etc]) await mkdir(folder, { recursive: true, mode: 0o711 });
  await writeFile(join(paths.etc, 'resolv.conf'), await resolver());
  const spec = {
    run: paths.run,
    script: SCRIPT,
    args: [
      paths.root,
      paths.data,
      paths.etc,
      foreignArchitecture(facts.architecture),
      ...dockerdFlags(paths, imageStore),
    ],
    env: setupEnvironment(env),
    log: paths.log,
  };
  let version: DockerPing | undefined;
  const answers = async (): Promise<boolean> => (version = await pingSandbox(paths.socket, signal)) !== undefined;
  const failure = await startDaemon(spec, { answers, limitMs: START_LIMIT_MS, signal });
  if (version !== undefined && failure === undefined) {
    step.done(`${version.engine} on ${paths.socket}`);
    return version;
  }
  const tail = await logTail(paths.log);
  step.failed(failure ?? 'no answer');
  throw new FailureError({
    reason: 'engine-failed',
    step: step.title,
    cause: `dockerd did not come up: ${failure ?? 'no answer'}`,
    logTail: tail,
    hint: `The whole log is ${paths.log}.`,
  });
}

/**
 * No iptables: its rules would be shared with any other Docker here, and would stay behind. The bridge and the way out
 * of it are made beforehand. `--group root`: Debian's docker group may be someone else on this machine.
 */
function dockerdFlags(paths: EnginePaths, imageStore: ImageStore): readonly string[] {
  const isClassic = imageStore === 'classic';
  return [
    '--host=unix:///run/depot/docker.sock',
    '--group=root',
    '--data-root=/var/lib/docker',
    '--exec-root=/run/docker',
    '--pidfile=/run/docker.pid',
    `--feature=containerd-snapshotter=${!isClassic}`,
    `--storage-driver=${isClassic ? 'overlay2' : 'overlayfs'}`,
    `--bridge=${paths.bridge}`,
    '--iptables=false',
    '--ip6tables=false',
    `--cgroup-parent=/${paths.bridge}`,
  ];
}

async function tellEmulation({ paths, facts, report }: SandboxOptions): Promise<void> {
  const step = new Step(report, { id: 'register-emulation', title: 'Register emulation of the other architecture' });
  const emulation = await readEmulation(join(paths.run, EMULATION), facts.architecture);
  if (emulation.is === 'off') step.skipped(`${emulation.why}; RUN steps for other architectures will fail`);
  else step.done(emulation.ours ? emulation.architecture : `${emulation.architecture} is registered already`);
}

/** The machine's name servers; where they are a local stub of systemd-resolved, the ones behind it. */
async function resolver(): Promise<string> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  if (!/^nameserver\s+127\./m.test(text)) return text;
  return await readFile('/run/systemd/resolve/resolv.conf', 'utf8').catch(() => text);
}

async function readState(paths: EnginePaths): Promise<SandboxState | undefined> {
  const text = await readFile(paths.state, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as SandboxState;
  } catch {
    return { root: paths.root };
  }
}

/** Bridges by our name are engines of other data folders. */
async function anotherSandboxRuns(own: string): Promise<boolean> {
  const interfaces = await readdir('/sys/class/net').catch(() => []);
  return interfaces.some((name) => /^depot-[0-9a-f]{8}$/.test(name) && name !== own);
}

/** Control groups hold no files; a killed daemon leaves its empty ones behind, under each hierarchy's mount. */
async function removeControlGroups(name: string): Promise<void> {
  const hierarchies = await readdir('/sys/fs/cgroup').catch(() => []);
  for (const folder of ['/sys/fs/cgroup', ...hierarchies.map((each) => join('/sys/fs/cgroup', each))]) {
    await removeGroup(join(folder, name));
  }
}

async function removeGroup(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(folder, entry.name));
  await rmdir(folder).catch(() => undefined);
}
