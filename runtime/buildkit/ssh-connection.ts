import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { SshDestination } from './endpoint.ts';

/** How long ssh itself may take to connect, in seconds (docker/cli `cli/connhelper`). */
const CONNECT_SECONDS = 30;

/** Of what ssh and the far side say on standard error, so much is kept. */
const KEPT_BYTES = 4096;

/**
 * A connection to a Docker Engine on another machine as the docker command makes it: `ssh HOST docker system dial-stdio`, whose
 * standard streams are the connection (docker/cli `cli/connhelper`). Keys, agents, jump hosts and known hosts are those of
 * the user's ssh. Breaks with what ssh said where that ended in failure.
 */
export class SshConnection extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  #said = Buffer.alloc(0);

  constructor(destination: SshDestination) {
    super({ allowHalfOpen: true });
    const child = spawn('ssh', sshArguments(destination), { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.#said = Buffer.concat([this.#said, chunk]).subarray(-KEPT_BYTES);
    });
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    // What is written to a program that has ended is told with its end.
    child.stdin.on('error', isToldAtEnd);
    child.once('error', (error: NodeJS.ErrnoException) =>
      this.destroy(error.code === 'ENOENT' ? new Error('there is no ssh on PATH') : error),
    );
    child.once('close', (code) => {
      if (code === 0) this.push(null);
      else this.destroy(new Error(`ssh ${destination.host}: ${this.#words() || `it ended with exit code ${code}`}`));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#child.stdin.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  /** What Node's HTTP client asks of a socket, and a program's streams do not have. */
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  #words(): string {
    return this.#said.toString('utf8').trim().split(/\r?\n/).slice(-3).join('; ');
  }
}

function sshArguments({ host, user, port, socket }: SshDestination): readonly string[] {
  return [
    '-o',
    `ConnectTimeout=${CONNECT_SECONDS}`,
    '-T',
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
    'docker',
    ...(socket === undefined ? [] : ['--host', `unix://${socket}`]),
    'system',
    'dial-stdio',
  ];
}

function isToldAtEnd(): void {}
