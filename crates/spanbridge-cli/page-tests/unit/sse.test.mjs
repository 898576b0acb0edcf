import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EventReader } from '../../page/lib/sse.js';

function read(...pieces) {
  const events = [];
  const reader = new EventReader((event) => events.push(event));
  pieces.forEach((piece) => reader.push(piece));
  return { events, lastId: reader.lastId };
}

const STREAM = ': hello\r\n\r\nid: 7\r\nevent: runs\r\ndata: {"a":\r\ndata:1}\r\n\r\nevent: resync\ndata:\n\ndata: cut off';
const EVENTS = [
  { id: '7', type: 'runs', data: '{"a":\n1}' },
  { id: '7', type: 'resync', data: '' },
];

test('events are the same however the stream is cut', () => {
  assert.deepEqual(read(STREAM).events, EVENTS);
  for (let at = 1; at < STREAM.length; at += 1) {
    assert.deepEqual(read(STREAM.slice(0, at), STREAM.slice(at)).events, EVENTS, `cut at ${at}`);
  }
  assert.deepEqual(read(...STREAM).events, EVENTS);
});

test('the last id is that of the last whole line', () => {
  assert.equal(read('id: 1\ndata: x\n\nid: 2\n').lastId, '2');
  assert.equal(read('id: 1\ndata: x\n\nid: 2').lastId, '1');
  assert.equal(read('id: a\0b\n').lastId, '');
});
