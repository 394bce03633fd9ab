import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Http2Connection } from '../../../runtime/http2/connection.ts';
import { frame, frameHeader, FrameType, PREFACE, uint32 } from '../../../runtime/http2/frames.ts';
import type { Headers } from '../../../runtime/http2/hpack.ts';
import { encodeHeaders } from '../../../runtime/http2/hpack.ts';
import type { Http2Stream } from '../../../runtime/http2/stream.ts';
import { streamWire } from '../../../runtime/http2/wire.ts';

const REQUEST: Headers = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/x'],
  [':authority', 'a'],
];

/** A connection of ours to a server on the loopback interface. */
async function connect(port: number): Promise<Http2Connection> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const connection = new Http2Connection({ role: 'client', open: (events) => streamWire(socket, events) });
  onTestFinished(() => connection.close());
  return connection;
}

/** Node's own server; gives its port. */
async function nodeServer(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  options: http2.ServerOptions = {},
): Promise<number> {
  const server = http2.createServer(options);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    onStream(stream, headers);
  });
  return listening(server);
}

/** A server of ours; gives its port. */
function ownServer(onStream: (stream: Http2Stream) => void): Promise<number> {
  return listening(
    net.createServer((socket) => {
      new Http2Connection({ role: 'server', open: (events) => streamWire(socket, events), onStream });
    }),
  );
}

/** A server that says these bytes, whatever it is told. */
function sayingServer(...parts: readonly Uint8Array[]): Promise<number> {
  return listening(
    net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(Buffer.concat(parts));
    }),
  );
}

async function listening(server: net.Server | http2.Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function bytesOf(stream: Http2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function pattern(bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
}

describe("beside Node's own HTTP/2", () => {
  test('a client sends and receives more than any window, with trailers larger than Node takes', async () => {
    const large = 'e'.repeat(200_000);
    const port = await nodeServer(
      (stream) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', large }));
        stream.pipe(stream);
      },
      { maxSendHeaderBlockLength: 1_000_000 },
    );
    const stream = (await connect(port)).request(REQUEST);
    const sent = pattern(3_000_000);
    const received = bytesOf(stream);
    for (let at = 0; at < sent.length; at += 70_001) await stream.write(sent.subarray(at, at + 70_001));
    stream.end();
    expect((await received).equals(sent)).toBe(true);
    expect(stream.headers).toContainEqual([':status', '200']);
    expect(stream.trailers).toContainEqual(['large', large]);
  });

  test('many streams at once keep their bytes apart', async () => {
    const port = await nodeServer((stream, headers) => {
      stream.respond({ ':status': 200 });
      stream.write(String(headers['x-number']));
      stream.pipe(stream);
    });
    const connection = await connect(port);
    const answers = Array.from({ length: 50 }, async (_, number) => {
      const stream = connection.request([...REQUEST, ['x-number', String(number)]]);
      await stream.write(Buffer.from(`-${number}`.repeat(3000)));
      stream.end();
      return (await bytesOf(stream)).toString();
    });
    expect(await Promise.all(answers)).toEqual(
      Array.from({ length: 50 }, (_, number) => String(number) + `-${number}`.repeat(3000)),
    );
  });

  test('a server answers it, repeated headers apart', async () => {
    let values: readonly string[] = [];
    const port = await ownServer((stream) => {
      values = (stream.headers ?? []).filter(([name]) => name === 'exclude').map(([, value]) => value);
      stream.sendHeaders([[':status', '200']]);
      void bytesOf(stream).then(async (body) => {
        await stream.write(body, Buffer.from('!'));
        stream.end([['grpc-status', '5']]);
      });
    });
    const client = http2.connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => client.destroy());
    const request = client.request({ ':method': 'POST', ':path': '/x', exclude: ['a, b', 'c'] });
    const trailers = once(request, 'trailers');
    const body = pattern(500_000);
    request.end(body);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(Buffer.concat([body, Buffer.from('!')]))).toBe(true);
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '5' });
    expect(values).toEqual(['a, b', 'c']);
  });

  test('a stream that is given up, on either side, is lost alone', async () => {
    let codes: number[] = [];
    const port = await nodeServer((stream, headers) => {
      stream.respond({ ':status': 200 });
      if (headers['x-close'] !== undefined) stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
      else stream.on('close', () => (codes = [...codes, stream.rstCode]));
    });
    const connection = await connect(port);
    const theirs = connection.request([...REQUEST, ['x-close', '1']]);
    await expect(bytesOf(theirs)).rejects.toThrow('RST_STREAM 11');
    const ours = connection.request(REQUEST);
    await expect.poll(() => ours.headers).toBeDefined();
    ours.reset(8);
    await expect(bytesOf(ours)).rejects.toThrow('given up');
    await expect.poll(() => codes).toEqual([8]);
    expect(connection.isUsable).toBe(true);
  });

  test('a connection that breaks loses its streams, and says so', async () => {
    const port = await nodeServer((stream) => stream.session?.destroy());
    const connection = await connect(port);
    const stream = connection.request(REQUEST);
    await expect(bytesOf(stream)).rejects.toThrow();
    expect(await connection.closed).toBeDefined();
    expect(() => connection.request(REQUEST)).toThrow('closed');
  });

  test('an answer that comes before all was said counts, and the rest goes nowhere', async () => {
    const port = await nodeServer((stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '8' }));
      stream.end('enough');
    });
    const stream = (await connect(port)).request(REQUEST);
    const writing = stream.write(Buffer.alloc(5_000_000));
    expect((await bytesOf(stream)).toString()).toBe('enough');
    expect(stream.trailers).toContainEqual(['grpc-status', '8']);
    await writing;
    await stream.write(Buffer.alloc(5_000_000));
    stream.end();
    await stream.closed;
    expect(stream.error).toBeUndefined();
  });

  test('pings are answered and never sent: a daemon hangs up on who pings often', async () => {
    const answered = Promise.withResolvers<Buffer>();
    let pings = 0;
    const port = await nodeServer((stream) => {
      stream.session?.on('ping', () => pings++);
      stream.session?.ping(Buffer.from('12345678'), (_error, _ms, payload) => answered.resolve(payload));
      stream.respond({ ':status': 200 });
      stream.end(pattern(1_000_000));
    });
    const connection = await connect(port);
    for (let at = 0; at < 3; at++) await bytesOf(connection.request(REQUEST));
    expect((await answered.promise).toString()).toBe('12345678');
    expect(pings).toBe(0);
  });

  test('lent buffers come back when they are sent, and not before', async () => {
    let resume: (() => void) | undefined;
    const port = await nodeServer((stream) => {
      stream.respond({ ':status': 200 });
      resume = () => stream.resume();
    });
    const stream = (await connect(port)).request(REQUEST);
    const buffer = Buffer.alloc(300_000);
    let isBack = false;
    void stream.lend([buffer], () => (isBack = true));
    await expect.poll(() => stream.headers).toBeDefined();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isBack).toBe(false);
    resume?.();
    await expect.poll(() => isBack).toBe(true);
  });
});

describe('a peer that breaks the protocol', () => {
  const SETTINGS = frame(FrameType.settings, 0, 0, new Uint8Array());
  test.each([
    ['speaks HTTP/1.1', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'Protocol error'],
    ['sends a frame too large', Buffer.concat([SETTINGS, frameHeader(0, 0, 1, 70_000)]), 'a frame of 70000 bytes'],
    [
      'leaves headers unfinished',
      Buffer.concat([SETTINGS, frame(FrameType.headers, 0, 1, encodeHeaders([[':status', '200']])), SETTINGS]),
      'headers were not finished',
    ],
    [
      'sends a header block of nonsense',
      Buffer.concat([SETTINGS, frame(FrameType.headers, 4, 1, uint32(0xffff_ffff))]),
      '',
    ],
    [
      'goes on with headers that never began',
      Buffer.concat([SETTINGS, frame(FrameType.continuation, 4, 1, new Uint8Array())]),
      'never began',
    ],
  ])('%s', async (_what, bytes, expected) => {
    const connection = await connect(await sayingServer(bytes));
    const stream = connection.request(REQUEST);
    await expect(bytesOf(stream)).rejects.toThrow(expected);
    expect((await connection.closed)?.message).toContain(expected);
  });

  test('sends padding, which is no content', async () => {
    const headers = frame(
      FrameType.headers,
      0x4 | 0x8,
      1,
      Buffer.concat([Buffer.from([2]), encodeHeaders([[':status', '200']]), Buffer.alloc(2)]),
    );
    const data = frame(
      FrameType.data,
      0x8 | 0x1,
      1,
      Buffer.concat([Buffer.from([3]), Buffer.from('text'), Buffer.alloc(3)]),
    );
    const connection = await connect(await sayingServer(SETTINGS, headers, data));
    expect((await bytesOf(connection.request(REQUEST))).toString()).toBe('text');
  });

  test('greets us wrongly', async () => {
    const port = await ownServer(() => undefined);
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.write(Buffer.alloc(PREFACE.length, 'x'));
    const chunks: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString('latin1')).toContain('this is no HTTP/2');
  });

  test('ends the connection: what it will not answer is lost, the rest goes on', async () => {
    const goAway = frame(FrameType.goAway, 0, 0, Buffer.concat([uint32(1, 11), Buffer.from('too_many_pings')]));
    const answer = frame(FrameType.headers, 0x5, 1, encodeHeaders([[':status', '200']]));
    const port = await listening(
      net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.write(Buffer.concat([SETTINGS, goAway, answer])));
      }),
    );
    const connection = await connect(port);
    const [first, second] = [connection.request(REQUEST), connection.request(REQUEST)];
    await expect(bytesOf(second)).rejects.toThrow('too_many_pings');
    expect((await bytesOf(first)).length).toBe(0);
    expect(connection.isUsable).toBe(false);
  });
});
