import { describe, expect, test } from 'vitest';
import { encodeHeaders, HeaderDecoder } from '../../../runtime/http2/hpack.ts';
import { decodeHuffman } from '../../../runtime/http2/huffman.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('header blocks as RFC 7541 has them in its appendix C', () => {
  test('requests that build on each other, in the Huffman code (C.4)', () => {
    const decoder = new HeaderDecoder();
    const common = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
    ];
    expect(decoder.decode(hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'))).toEqual(common);
    expect(decoder.decode(hex('8286 84be 5886 a8eb 1064 9cbf'))).toEqual([...common, ['cache-control', 'no-cache']]);
    expect(decoder.decode(hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'))).toEqual([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/index.html'],
      [':authority', 'www.example.com'],
      ['custom-key', 'custom-value'],
    ]);
  });

  test('a literal that is not kept (C.2.2), and one that must never be (C.2.3)', () => {
    const decoder = new HeaderDecoder();
    expect(decoder.decode(hex('040c 2f73 616d 706c 652f 7061 7468'))).toEqual([[':path', '/sample/path']]);
    expect(decoder.decode(hex('1008 7061 7373 776f 7264 0673 6563 7265 74'))).toEqual([['password', 'secret']]);
    expect(() => decoder.decode(hex('be'))).toThrow('there is no header field 62');
  });

  test('a table that is made smaller forgets its oldest fields', () => {
    const decoder = new HeaderDecoder();
    decoder.decode(hex('400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'));
    expect(decoder.decode(hex('be'))).toEqual([['custom-key', 'custom-header']]);
    expect(decoder.decode(hex('20'))).toEqual([]);
    expect(() => decoder.decode(hex('be'))).toThrow('there is no header field 62');
  });
});

test('what is written is read again, whatever is in it', () => {
  const headers = [
    [':status', '200'],
    [':path', '/a/b'],
    ['exclude-patterns', '**/*.log'],
    ['exclude-patterns', '!keep, this'],
    ['empty', ''],
    ['long', 'x'.repeat(100_000)],
    ['wide', 'größe 日本'],
  ] as const;
  expect(new HeaderDecoder().decode(encodeHeaders(headers))).toEqual(headers);
});

describe('blocks that are broken are refused', () => {
  test.each([
    ['an index of nothing', '80'],
    ['a literal that ends too early', '0005 6162'],
    ['a number without an end', 'ff ffff ffff ff'],
    ['a table larger than ours', '3f e1ff 03'],
    ['a table whose size is a number of 200 bytes', `3f ${'80'.repeat(200)} 00`],
    ['a number that is too large in its fifth byte', '3f ffff ffff 0f'],
    ['a number of six bytes more, which are nothing', '3f 8080 8080 8000'],
    ['a text that is longer than any block', '0001 61 7f ffff ffff 07'],
    ['a table that is resized between fields', '82 20'],
    ['the end of a string inside a string', '0001 61 84 ffff ffff'],
    ['padding that is too long', '0001 61 82 1fff'],
  ])('%s', (_what, block) => {
    expect(() => new HeaderDecoder().decode(hex(block))).toThrow(RangeError);
  });
});

test('fields are counted as they are read, not as they are sent', () => {
  // One field of 4000 bytes is kept in the table, and named again by one byte each time.
  const value = 'v'.repeat(3_950);
  const keep = (times: number): Buffer =>
    Buffer.concat([Buffer.from([0x40]), encodeHeaders([['n', value]]).subarray(1), Buffer.alloc(times, 0xbe)]);
  const field = ['n', value];
  const limitBytes = 4 * (1 + value.length + 32);
  expect(new HeaderDecoder(limitBytes).decode(keep(3))).toEqual([field, field, field, field]);
  expect(() => new HeaderDecoder(limitBytes).decode(keep(4))).toThrow('headers are too large');
  expect(() => new HeaderDecoder().decode(keep(10_000))).toThrow('headers are too large');
});

test('every octet has its Huffman code', () => {
  // What `node:http2` writes and RFC 7541 B lists: spot checks at the ends of the lengths.
  expect(decodeHuffman(hex('1f')).toString('latin1')).toBe('a');
  expect(decodeHuffman(hex('ffc7')).toString('latin1')).toBe('\0');
  expect(decodeHuffman(hex('ffff fbbf')).toString('latin1')).toBe('\xff');
});
