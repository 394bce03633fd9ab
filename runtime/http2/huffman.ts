/**
 * How many bits each octet takes in the Huffman code of HPACK (RFC 7541, Appendix B), and last the end of a string. The code
 * is canonical: octets of one length follow each other, so that the lengths say all.
 */
// prettier-ignore
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
  28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15,
  6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22,
  20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23,
  23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22,
  22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26,
  27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27,
  26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const END_OF_STRING = 256;

/** Most significant padding that a string may end with: fewer bits than an octet has, all of them ones. */
const MAX_PADDING_BITS = 7;

/** Octets by their code, as a tree: for each node, where a 0 and a 1 lead; a leaf is `-1 - octet`. */
let tree: Int16Array | undefined;

/** Reads a string that was put into HPACK's Huffman code. Throws a `RangeError` for what is none. */
export function decodeHuffman(bytes: Uint8Array): Buffer {
  tree ??= makeTree();
  const out = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5));
  let length = 0;
  let node = 0;
  let depth = 0;
  let onlyOnes = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const one = (byte >> bit) & 1;
      node = tree[2 * node + one] ?? 0;
      depth++;
      onlyOnes &&= one === 1;
      if (node >= 0) continue;
      if (-1 - node === END_OF_STRING) throw new RangeError('a header holds the end of a string inside it');
      out[length++] = -1 - node;
      node = 0;
      depth = 0;
      onlyOnes = true;
    }
  }
  if (depth > MAX_PADDING_BITS || !onlyOnes) throw new RangeError('a header ends in the middle of a character');
  return out.subarray(0, length);
}

function makeTree(): Int16Array {
  const nodes = new Int16Array(2 * LENGTHS.length);
  let count = 1;
  let code = 0;
  let before = 0;
  const inOrder = LENGTHS.map((bits, octet) => ({ bits, octet })).sort((a, b) => a.bits - b.bits || a.octet - b.octet);
  for (const { bits, octet } of inOrder) {
    code <<= bits - before;
    before = bits;
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const at = 2 * node + ((code >> bit) & 1);
      if (nodes[at] === 0) nodes[at] = count++;
      node = nodes[at] ?? 0;
    }
    nodes[2 * node + (code & 1)] = -1 - octet;
    code++;
  }
  return nodes;
}
