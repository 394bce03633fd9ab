/** Bytes a container wrote. */
export interface ContainerOutput {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

/** A daemon that never ends a line of progress is broken; this bounds what we keep of it. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** The JSON values of a stream that has one a line (or one after the other on a line break), as the daemon sends progress. */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    rest += decoder.decode(part, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_BYTES) throw new Error('the Docker Engine sent a line of progress without an end');
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as unknown;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as unknown;
}

/**
 * Takes apart the framing of a container's output without a terminal: 1 byte stream (1 stdout, 2 stderr), 3 bytes zero,
 * 4 bytes big-endian length, then the bytes (moby `api/types/container`, "attach" in `api/swagger.yaml`).
 */
export async function* demultiplex(body: AsyncIterable<Uint8Array>): AsyncGenerator<ContainerOutput, void, undefined> {
  let pending = Buffer.alloc(0);
  for await (const part of body) {
    pending = Buffer.concat([pending, part]);
    while (pending.length >= 8 && pending.length >= 8 + pending.readUInt32BE(4)) {
      const end = 8 + pending.readUInt32BE(4);
      yield { stream: pending[0] === 2 ? 'stderr' : 'stdout', data: pending.subarray(8, end) };
      pending = pending.subarray(end);
    }
  }
}
