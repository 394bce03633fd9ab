import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Result } from '../../../planner/result.ts';
import { fail, ok } from '../../../planner/result.ts';
import type { RuntimeFailure } from '../../failure.ts';
import { logTail } from './daemon.ts';
import type { MachineFacts } from './facts.ts';
import { findProgram, machineFacts, setupEnvironment } from './facts.ts';
import { lock } from './lock.ts';
import type { ProcessIdentity } from './process.ts';
import { identify, isRunning, stopProcess } from './process.ts';
import { programOfRoot } from './program.ts';
import { run } from './room.ts';

const START_LIMIT_MS = 15_000;
const STOP_GRACE_MS = 3_000;
const POLL_MS = 20;

/** A registry to be started. */
export interface RegistryOptions {
  /** A Debian root that is set up ({@link makeRoot}), with docker-registry in it. */
  readonly root: string;
  /** Keeps its images, configuration, log and state; made if missing. One registry a folder. */
  readonly folder: string;
  /** On 127.0.0.1. Absent: a free one, chosen by the kernel. */
  readonly port?: number;
  /** Demands this account of everybody (HTTP basic authentication). */
  readonly account?: { readonly username: string; readonly password: string };
  /** Speaks https with a certificate of its own for 127.0.0.1 and localhost. */
  readonly tls?: boolean;
  /** Lives on when we end, until {@link stopRegistry}. Otherwise it ends with us, however we end. */
  readonly detached?: boolean;
  readonly signal: AbortSignal;
}

/** A registry that answers. */
export interface RunningRegistry {
  /** `127.0.0.1:40123`: what image names begin with. */
  readonly host: string;
  /** `http://127.0.0.1:40123`. */
  readonly url: string;
  /** The certificate it shows, PEM, when it speaks https. */
  readonly certificate?: string;
  readonly log: string;
  readonly process: ProcessIdentity;
}

/**
 * Starts Debian's docker-registry (CNCF distribution) on the loopback interface, unless the one of that folder runs.
 * Deleting is allowed. A folder keeps its images over restarts.
 * Rejects when the signal is aborted.
 */
export async function startRegistry(options: RegistryOptions): Promise<Result<RunningRegistry, RuntimeFailure>> {
  await using held = await lock(`registry:${options.folder}`, { signal: options.signal });
  void held;
  const running = await runningRegistry(options.folder);
  if (running !== undefined) return ok(running);
  const facts = await machineFacts();
  await mkdir(join(options.folder, 'storage'), { recursive: true });
  const certificate = options.tls === true ? await makeCertificate(options, facts) : undefined;
  if (options.account !== undefined) await writeAccount(options, facts);
  const config = join(options.folder, 'config.yml');
  // JSON is YAML, and quotes what needs quoting.
  await writeFile(config, JSON.stringify(configuration(options)));
  const log = join(options.folder, 'registry.log');
  const ended = await start(options, { facts, config, log });
  return await untilListening(options, { ended, log, certificate });
}

/** The registry of a folder, when it runs. */
export async function runningRegistry(folder: string): Promise<RunningRegistry | undefined> {
  const text = await readFile(stateFile(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const state = JSON.parse(text) as RunningRegistry;
  return (await isRunning(state.process)) ? state : undefined;
}

/** Stops the registry of a folder and keeps its images. False when none ran. */
export async function stopRegistry(folder: string, { signal }: { readonly signal: AbortSignal }): Promise<boolean> {
  const running = await runningRegistry(folder);
  if (running !== undefined) await stopProcess(running.process, { graceMs: STOP_GRACE_MS, signal });
  await rm(stateFile(folder), { force: true });
  return running !== undefined;
}

/** Distribution's configuration file (distribution `docs/configuration.md`). */
function configuration({ folder, port, account, tls }: RegistryOptions): Readonly<Record<string, unknown>> {
  return {
    version: '0.1',
    log: { level: 'info', formatter: 'text', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: join(folder, 'storage') }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${port ?? 0}`,
      ...(tls === true ? { tls: { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') } } : {}),
    },
    ...(account === undefined ? {} : { auth: { htpasswd: { realm: 'depot', path: join(folder, 'htpasswd') } } }),
  };
}

async function start(
  options: RegistryOptions,
  { facts, config, log }: { readonly facts: MachineFacts; readonly config: string; readonly log: string },
): Promise<{ readonly pid: number | undefined; readonly how: () => string | undefined }> {
  const program = programOfRoot(options.root, { path: 'usr/bin/docker-registry', facts });
  const setpriv = options.detached === true ? undefined : await findProgram('setpriv', setupEnvironment({}));
  const tied = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL'];
  const [command, ...args] = [...tied, ...program, 'serve', config];
  await using file = await open(log, 'w', 0o600);
  const child = spawn(command ?? '', args, {
    env: setupEnvironment({}),
    detached: options.detached === true,
    stdio: ['ignore', file.fd, file.fd],
  });
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = signal === null ? `exit code ${code}` : `signal ${signal}`));
  child.unref();
  return { pid: child.pid, how: () => ended };
}

async function untilListening(
  options: RegistryOptions,
  started: {
    readonly ended: { readonly pid: number | undefined; readonly how: () => string | undefined };
    readonly log: string;
    readonly certificate: string | undefined;
  },
): Promise<Result<RunningRegistry, RuntimeFailure>> {
  const { log, certificate } = started;
  const { pid, how } = started.ended;
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    // The only place where it tells which port the kernel gave it.
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(await readFile(log, 'utf8').catch(() => ''))?.[1];
    const process = pid === undefined ? undefined : await identify(pid);
    if (port !== undefined && process !== undefined) {
      const host = `127.0.0.1:${port}`;
      const url = `${certificate === undefined ? 'http' : 'https'}://${host}`;
      const running = { host, url, log, process, ...(certificate === undefined ? {} : { certificate }) };
      await writeFile(stateFile(options.folder), JSON.stringify(running));
      return ok(running);
    }
    const late = performance.now() > deadline;
    if (late && process !== undefined) await stopProcess(process, { graceMs: 0, signal: options.signal });
    if (late || how() !== undefined || process === undefined) {
      const cause = late ? 'it does not listen' : `it ended (${how() ?? 'at once'})`;
      return fail({ reason: 'engine-failed', step: 'start a registry', cause, logTail: await logTail(log) });
    }
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
}

/** The registry takes bcrypt only. The root's perl has it through the C library; the password goes in by a pipe. */
async function writeAccount({ root, folder, account, signal }: RegistryOptions, facts: MachineFacts): Promise<void> {
  if (account === undefined) return;
  const script = 'local $/; my ($salt, $password) = split /\\n/, <STDIN>, 2; print crypt($password, $salt), "\\n"';
  const salt = `$2b$05$${randomBytes(16).toString('hex').slice(0, 21)}.`;
  const argv = [...programOfRoot(root, { path: 'usr/bin/perl', facts }), '-e', script] as [string, ...string[]];
  const outcome = await run({ argv, env: setupEnvironment({}), input: `${salt}\n${account.password}` }, { signal });
  if (outcome.exitCode !== 0) throw new Error(`cannot hash a password: ${outcome.tail.join(' ')}`);
  await writeFile(join(folder, 'htpasswd'), `${account.username}:${outcome.stdout.trim()}\n`, { mode: 0o600 });
}

async function makeCertificate({ root, folder, signal }: RegistryOptions, facts: MachineFacts): Promise<string> {
  const [certificate, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const files = ['-config', join(root, 'etc/ssl/openssl.cnf'), '-keyout', key, '-out', certificate];
  const program = programOfRoot(root, { path: 'usr/bin/openssl', facts });
  const outcome = await run(
    { argv: [...program, ...request, ...names, ...files], env: setupEnvironment({}) },
    { signal },
  );
  if (outcome.exitCode !== 0) throw new Error(`cannot make a certificate: ${outcome.tail.join(' ')}`);
  return await readFile(certificate, 'utf8');
}

function stateFile(folder: string): string {
  return join(folder, 'state.json');
}
