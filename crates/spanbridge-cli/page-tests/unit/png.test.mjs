import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, inflateSync } from 'node:zlib';

import { shrink } from '../support/png.mjs';

function chunks(png) {
  const found = {};
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    found[png.toString('latin1', at + 4, at + 8)] = png.subarray(at + 8, at + 8 + length);
    at += 12 + length;
  }
  return found;
}

/** Two rows of two pixels, the second row with the filter that subtracts the one above. */
test('a picture keeps its colours when it gets a palette', () => {
  const header = Buffer.from([0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
  const rows = Buffer.from([0, 255, 0, 0, 0, 255, 0, /* up */ 2, 1, 0, 0, 0, 0, 7]);
  const part = (type, body) => Buffer.concat([Buffer.from([0, 0, 0, body.length]), Buffer.from(type), body, Buffer.alloc(4)]);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const small = shrink(Buffer.concat([signature, part('IHDR', header), part('IDAT', deflateSync(rows)), part('IEND', Buffer.alloc(0))]));
  const { IHDR, PLTE, IDAT } = chunks(small);
  assert.deepEqual([...IHDR], [0, 0, 0, 2, 0, 0, 0, 2, 8, 3, 0, 0, 0]);
  const places = inflateSync(IDAT);
  const colour = (at) => [...PLTE.subarray(3 * places[at], 3 * places[at] + 3)];
  assert.deepEqual([1, 2, 4, 5].map(colour), [[255, 0, 0], [0, 255, 0], [0, 0, 0], [0, 255, 7]]);
  assert.deepEqual([places[0], places[3]], [0, 0]);
});
