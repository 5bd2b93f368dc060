// BLAKE3 (github.com/BLAKE3-team/BLAKE3-specs), hashing only: the farm names uploads by it, and browsers do not have it.

const IV = Uint32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);
const ORDER = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const [CHUNK_START, CHUNK_END, PARENT, ROOT] = [1, 2, 4, 8];
const CHUNK_BYTES = 1024;
const BLOCK_BYTES = 64;

const turn = (word, by) => (word >>> by) | (word << (32 - by));

function mix(s, a, b, c, d, x, y) {
  s[a] = s[a] + s[b] + x;
  s[d] = turn(s[d] ^ s[a], 16);
  s[c] = s[c] + s[d];
  s[b] = turn(s[b] ^ s[c], 12);
  s[a] = s[a] + s[b] + y;
  s[d] = turn(s[d] ^ s[a], 8);
  s[c] = s[c] + s[d];
  s[b] = turn(s[b] ^ s[c], 7);
}

/** The next chaining value: eight words. */
function compress(cv, block, counter, length, flags) {
  const s = new Uint32Array(16);
  s.set(cv);
  s.set(IV.subarray(0, 4), 8);
  s.set([counter, counter / 2 ** 32, length, flags], 12);
  let m = block;
  for (let round = 0; round < 7; round += 1) {
    for (let i = 0; i < 4; i += 1) mix(s, i, i + 4, i + 8, i + 12, m[2 * i], m[2 * i + 1]);
    for (let i = 0; i < 4; i += 1) mix(s, i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4), m[8 + 2 * i], m[9 + 2 * i]);
    m = ORDER.map((from) => m[from]);
  }
  return s.subarray(0, 8).map((word, i) => word ^ s[i + 8]);
}

function ofChunk(bytes, number, root) {
  let cv = IV;
  const count = Math.max(1, Math.ceil(bytes.length / BLOCK_BYTES));
  for (let at = 0; at < count; at += 1) {
    const part = bytes.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES);
    const block = new DataView(new ArrayBuffer(BLOCK_BYTES));
    new Uint8Array(block.buffer).set(part);
    const words = Uint32Array.from({ length: 16 }, (_, i) => block.getUint32(4 * i, true));
    const last = at === count - 1;
    cv = compress(cv, words, number, part.length, (at === 0 ? CHUNK_START : 0) | (last ? CHUNK_END | root : 0));
  }
  return cv;
}

function ofTree(bytes, first, root) {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  if (count <= 1) return ofChunk(bytes, first, root);
  const left = 2 ** Math.floor(Math.log2(count - 1));
  const block = new Uint32Array(16);
  block.set(ofTree(bytes.subarray(0, left * CHUNK_BYTES), first, 0));
  block.set(ofTree(bytes.subarray(left * CHUNK_BYTES), first + left, 0), 8);
  return compress(IV, block, 0, BLOCK_BYTES, PARENT | root);
}

/** 64 hexadecimal digits. */
export function blake3(bytes) {
  const out = new DataView(new ArrayBuffer(32));
  ofTree(bytes, 0, ROOT).forEach((word, i) => out.setUint32(4 * i, word, true));
  return [...new Uint8Array(out.buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
