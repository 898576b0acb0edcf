// Makes pictures small: at most 256 colours, the most used ones as they are. A picture of a page has large plain areas and few hues,
// so nobody sees the difference, and it takes a third of the space.

import { deflateSync, inflateSync } from 'node:zlib';

const COLOURS = 256;
const EXACT = 160;

/** A PNG of eight bits a channel, without interlacing, as one with a palette. */
export function shrink(png) {
  const { width, height, pixels } = decode(png);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = palette_of(counts);
  const places = new Map();
  const nearest = (pixel) => {
    let at = places.get(pixel);
    if (at === undefined) places.set(pixel, (at = closest(palette, pixel)));
    return at;
  };
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + 1 + x] = nearest(pixels[y * width + x]);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const table = Buffer.from(palette.flatMap(channels));
  const parts = [chunk('IHDR', header), chunk('PLTE', table), chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([png.subarray(0, 8), ...parts]);
}

const channels = (pixel) => [pixel >> 16, (pixel >> 8) & 255, pixel & 255];

/** The pixels of a PNG without transparency, each as 0xRRGGBB. */
function decode(png) {
  const data = [];
  let header;
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = body;
    if (type === 'IDAT') data.push(body);
    at += 12 + length;
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const size = { 2: 3, 6: 4 }[header[9]];
  if (header[8] !== 8 || !size || header[12] !== 0) throw new Error('this form of PNG is not read');
  const bytes = inflateSync(Buffer.concat(data));
  const stride = width * size;
  const pixels = new Uint32Array(width * height);
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y += 1) {
    const filter = bytes[y * (stride + 1)];
    const row = new Uint8Array(bytes.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)));
    for (let i = 0; i < stride; i += 1) {
      const [left, up, corner] = [i < size ? 0 : row[i - size], above[i], i < size ? 0 : above[i - size]];
      row[i] += [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
    }
    for (let x = 0; x < width; x += 1) pixels[y * width + x] = (row[x * size] << 16) | (row[x * size + 1] << 8) | row[x * size + 2];
    above = row;
  }
  return { width, height, pixels };
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** The most used colours, and means of the others: groups are cut in two where they are widest. */
function palette_of(counts) {
  const all = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  if (all.length <= COLOURS) return all;
  const groups = [all.slice(EXACT)];
  while (groups.length < COLOURS - EXACT) {
    const widths = groups.map((group) => widest(group));
    const at = widths.reduce((best, one, n) => (one.width > widths[best].width ? n : best), 0);
    if (widths[at].width === 0) break;
    const group = groups[at].sort((a, b) => channels(a)[widths[at].channel] - channels(b)[widths[at].channel]);
    groups.splice(at, 1, group.slice(0, group.length >> 1), group.slice(group.length >> 1));
  }
  const mean = (group) => {
    const total = group.reduce((sum, one) => sum + counts.get(one), 0);
    const [r, g, b] = [0, 1, 2].map((n) => Math.round(group.reduce((sum, one) => sum + channels(one)[n] * counts.get(one), 0) / total));
    return (r << 16) | (g << 8) | b;
  };
  return [...all.slice(0, EXACT), ...groups.map(mean)];
}

function widest(group) {
  const widths = [0, 1, 2].map((n) => {
    let [least, most] = [255, 0];
    for (const one of group) {
      const value = channels(one)[n];
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    return group.length < 2 ? 0 : most - least;
  });
  const channel = widths.indexOf(Math.max(...widths));
  return { channel, width: widths[channel] };
}

function closest(palette, pixel) {
  const [r, g, b] = channels(pixel);
  let [best, least] = [0, Infinity];
  palette.forEach((one, at) => {
    const [R, G, B] = channels(one);
    const distance = (r - R) ** 2 * 2 + (g - G) ** 2 * 4 + (b - B) ** 2;
    if (distance < least) [best, least] = [at, distance];
  });
  return best;
}

function chunk(type, body) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, 'latin1');
  body.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let n = 0; n < 8; n += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
