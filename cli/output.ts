import { writeSync } from 'node:fs';

const STDOUT = 1;
const PAUSE_MS = 2;

/** What a shell makes of a program that writes to a pipe without a reader: SIGPIPE. */
const READER_GONE = 141;

/**
 * Writes a result to standard output, whole, before it returns. Node's own stream for it takes some milliseconds to set up,
 * which a short command does not need.
 */
export function writeOut(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(STDOUT, bytes, at);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EPIPE') process.exit(READER_GONE);
      if (code !== 'EAGAIN') {
        process.stderr.write(`ERROR: standard output cannot be written: ${String(code)}\n`);
        process.exit(1);
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}

/** The process' streams, each set up when it is first asked for. */
class Streams {
  readonly #used = new Set<NodeJS.WriteStream>();

  get stdout(): NodeJS.WriteStream {
    return this.#quiet(process.stdout);
  }

  get stderr(): NodeJS.WriteStream {
    return this.#quiet(process.stderr);
  }

  /** Resolves when everything written so far is with the reader. */
  async drained(): Promise<void> {
    const flushed = [...this.#used].map((stream) =>
      stream.writableLength === 0 ? undefined : new Promise<void>((resolve) => stream.write('', () => resolve())),
    );
    await Promise.all(flushed);
  }

  /** A reader that went away (`depot ... | head`) needs no words; what was not finished by then must not count as done. */
  #quiet(stream: NodeJS.WriteStream): NodeJS.WriteStream {
    if (!this.#used.has(stream)) {
      this.#used.add(stream);
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EPIPE') process.exit(READER_GONE);
      });
    }
    return stream;
  }
}

/** Those of this process. */
export const streams = new Streams();
