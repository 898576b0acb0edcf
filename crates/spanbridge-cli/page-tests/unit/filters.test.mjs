import assert from 'node:assert/strict';
import { test } from 'node:test';

import { commandOf, filtersOf, isFiltered, lengthOf, matches, queryOf, readSearch, writeSearch } from '../../page/lib/filters.js';

const filters = (query) => filtersOf(new URLSearchParams(query));

test('the address and the query of the server are one form', () => {
  const query = 'status=error&service=billing&children=true&attribute=a%3D1&attribute=b&since=1h&minDuration=250ms&sort=longest';
  const pairs = queryOf(filters(query));
  assert.deepEqual(new Set(pairs.map(String)), new Set([...new URLSearchParams(query)].map(String)));
  assert.deepEqual(queryOf(filters('sort=newest&foo=1')), []);
  assert.equal(isFiltered(filters('sort=longest')), false);
});

test('words of the search box become filters', () => {
  assert.deepEqual(readSearch('service:billing  attr:order.id=17 attribute:vip error:"card declined" POST /orders'), {
    found: { service: 'billing', attribute: ['order.id=17', 'vip'], error: 'card declined' },
    text: 'POST /orders',
  });
  assert.deepEqual(readSearch('is:error min:2s'), { found: { status: 'error', minDuration: '2s' }, text: '' });
});

test('a key and a value are an attribute, as for the command line', () => {
  assert.deepEqual(readSearch('order.id=17 customer="Acme Corp" service=billing attr:a=b=c checkout'), {
    found: { attribute: ['order.id=17', 'customer=Acme Corp', 'a=b=c'], service: 'billing' },
    text: 'checkout',
  });
  assert.deepEqual(readSearch('name:a=b'), { found: { name: 'a=b' }, text: '' });
  assert.deepEqual(readSearch('=17 order.id= ='), { found: {}, text: '=17 order.id= =' });
  assert.deepEqual(readSearch('__proto__=x'), { found: { attribute: ['__proto__=x'] }, text: '' });
});

test('a colon that is no filter is text', () => {
  assert.deepEqual(readSearch('agent: answer http://shop'), { found: {}, text: 'agent: answer http://shop' });
  assert.deepEqual(readSearch('service:'), { found: {}, text: 'service:' });
  assert.deepEqual(readSearch('"open quote'), { found: {}, text: 'open quote' });
  assert.deepEqual(readSearch('__proto__:x constructor:y'), { found: {}, text: '__proto__:x constructor:y' });
});

test('a name in the search box is read as it was written', () => {
  for (const name of ['POST /orders', 'a=b', 'is:error', 'name:x', 'two  spaces', ' edge ', 'say "hi"', '"', 'C:\\temp', 'a\\\\"b c=d', 'agent: answer http://shop']) {
    const { found, text } = readSearch(writeSearch(name));
    assert.equal(found.name ?? text, name);
    assert.deepEqual(Object.keys(found).filter((key) => key !== 'name'), []);
  }
  // What needs no word has none.
  assert.equal(writeSearch('POST /orders'), 'POST /orders');
  assert.equal(writeSearch('a=b'), 'name:"a=b"');
});

test('the command for the same list can be pasted', () => {
  assert.equal(commandOf(filters("children=true&status=error&minDuration=2s&error=it's declined")), "spanbridge runs --status error --error 'it'\\''s declined' --min-duration 2s --children");
});

test('lengths of time are those of the command line', () => {
  assert.deepEqual(['250ms', '90s', '15m', '2d', '1w'].map(lengthOf), [250, 90_000, 900_000, 172_800_000, 604_800_000]);
  assert.ok(Number.isNaN(lengthOf('soon')));
});

test('a new run is judged as the server would', () => {
  const now = Date.parse('2026-11-30T10:00:00Z');
  const run = { name: 'POST /orders', status: 'ok', services: ['shop'], startedAt: '2026-11-30T09:30:00.000000000Z', durationMs: 300 };
  const fits = (query, more = {}) => matches({ ...run, ...more }, filters(query), now);
  assert.equal(fits(''), true);
  assert.equal(fits('status=ok'), true);
  assert.equal(fits('status=ok', { failedWork: 1 }), false);
  assert.equal(fits('status=error', { failedWork: 1 }), true);
  assert.equal(fits('status=ok', { failedDescendants: 1 }), false);
  assert.equal(fits('status=error', { failedDescendants: 1 }), true);
  assert.equal(fits('status=open'), false);
  assert.equal(fits('status=open', { descendants: 1 }), null);
  assert.equal(fits('service=other', { descendants: 1 }), null);
  assert.equal(fits('service=shop'), true);
  assert.equal(fits('service=sho'), false);
  // Upper and lower case differ, as on the server.
  assert.equal(fits('name=orders'), true);
  assert.equal(fits('name=ORDERS'), true);
  assert.equal(fits('since=1h'), true);
  assert.equal(fits('since=10m'), false);
  assert.equal(fits('until=1h'), false);
  assert.equal(fits('minDuration=300ms'), true);
  assert.equal(fits('minDuration=301ms'), false);
  assert.equal(fits('minDuration=1ms', { durationMs: undefined }), false);
  assert.equal(fits('error=declined'), null);
  assert.equal(fits('error=declined&service=other'), false);
});
