import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Fold } from '../../page/run/model/fold.js';
import { labels, queuedOf, sentence, timeOf } from '../../page/run/model/labels.js';
import { ON_PATH, Rows } from '../../page/run/model/rows.js';
import { columnsOf, median, serviceMap } from '../../page/run/model/services.js';
import { since, suspensionsOf } from '../../page/run/model/suspensions.js';
import { indentOf, treeText } from '../../page/run/model/text.js';
import { isMostlyWaiting, longWaits } from '../../page/run/model/warp.js';
import { firstChild, matches, nextIn, position, sibling } from '../../page/run/model/walk.js';

const MS = 1e6;

/** The answer of the server for spans `[parent, service, name, start ms, duration ms or null, status]`. */
function answer(spans, more = {}) {
  const table = (at) => [...new Set(spans.map((span) => span[at]))];
  const [services, names] = [table(1), table(2)];
  return {
    run: { runId: '1'.repeat(32), name: 'order', status: 'ok', suspensions: [], traceIds: [] },
    origin: '2026-11-20T09:25:46.000000000Z', end: Math.max(...spans.map((span) => (span[3] + (span[4] ?? 0)) * MS), 0),
    childRuns: [], relatedRuns: [], linkedRuns: [], diagnostics: [], edges: [], runs: ['1'.repeat(32)],
    kinds: ['internal'], statuses: ['ok', 'error', 'panicked', 'cancelled', 'open'],
    services, names, primitives: ['flow.step'], categories: ['step'], destinations: ['orders'], errors: ['no luck'], sparse: {},
    ...more,
    spans: {
      spanId: spans.map((_, row) => String(row + 1).padStart(16, '0')), parent: spans.map((span) => span[0]),
      service: spans.map((span) => services.indexOf(span[1])), name: spans.map((span) => names.indexOf(span[2])),
      primitive: spans.map(() => 0), category: spans.map(() => 0), kind: spans.map(() => 0), status: spans.map((span) => span[5] ?? 0),
      start: spans.map((span) => span[3] * MS), duration: spans.map((span) => (span[4] === null ? null : span[4] * MS)),
    },
  };
}

/** A publish that ends at 10 ms, and work that fails, is tried again from 2,010 ms on, and is acknowledged. */
function order() {
  return new Rows(answer([
    [-1, 'shop', 'POST /orders', 0, 12], [0, 'shop', 'publish orders', 8, 2], [1, 'billing', 'process orders', 500, 10, 1], [2, 'billing', 'nack', 510, 1],
    [1, 'billing', 'process orders', 2010, 90], [4, 'billing', 'ack', 2099, 1], [0, 'shop', 'log', 11, 1],
  ], {
    sparse: {
      queued: { 2: 490 * MS, 4: 2000 * MS }, hop: { 2: 'queue', 4: 'queue' }, destination: { 1: 0, 2: 0, 4: 0 }, attempt: { 2: 1, 4: 2 }, handoff: { 1: 'confirmed' },
      settlement: { 2: ['nack'], 4: ['ack'] }, folded: [3, 5], error: { 2: 0 },
    },
    edges: [{ edgeType: 'retry.of', from: { row: 4 }, to: { row: 2 } }],
    criticalPath: { start: 0, end: 2100 * MS, totals: {}, kinds: ['work', 'queue'], kind: [0, 1, 0], row: [1, 4, 4], duration: [10 * MS, 2000 * MS, 90 * MS] },
  }));
}

test('rows know what is below them and how deep they are', () => {
  const rows = order();
  assert.deepEqual([...rows.depth], [0, 1, 2, 3, 2, 3, 1]);
  assert.deepEqual([...rows.next], [7, 6, 4, 4, 6, 6, 7]);
  assert.deepEqual([...rows.errorsBelow], [1, 1, 1, 0, 0, 0, 0]);
  assert.equal(rows.lastEnd[0], 2100 * MS);
  assert.deepEqual(rows.settlements.get(4), [5]);
});

test('a replay knows the run that it is a replay of', () => {
  assert.equal(order().replayOf, undefined);
  const edge = { edgeType: 'replay.of', from: { row: 0 }, to: { runId: '2'.repeat(32) } };
  assert.equal(new Rows(answer([[-1, 'shop', 'process', 0, 1]], { edges: [edge] })).replayOf, '2'.repeat(32));
});

test('a wait in a queue is said, and lies on the path', () => {
  const rows = order();
  assert.equal(queuedOf(rows, 4), 'queued 2.00 s');
  assert.deepEqual(rows.path.ofRow.get(4), [1, 2]);
  assert.deepEqual([...rows.path.start], [0, 10 * MS, 2010 * MS]);
  assert.ok(rows.flags[4] & ON_PATH);
  assert.match(sentence(rows, 4), /^process orders, billing, ok, queued 2\.00 s, 90\.0 ms, attempt 2, ack, on the critical path$/);
});

test('clocks that disagree are not computed with, nor do they stretch the axis', () => {
  const rows = new Rows(answer([[-1, 'shop', 'publish', 60_000, 2], [0, 'billing', 'process', 0, 50], [1, 'billing', 'below', 10, 5]], { sparse: { skewed: [1], hop: { 1: 'queue' } } }));
  assert.equal(queuedOf(rows, 1), 'queued: not computed');
  assert.deepEqual(rows.bounds, { from: 60_000 * MS, to: 60_002 * MS });
});

test('open and torn spans have no time', () => {
  const rows = new Rows(answer([[-1, 'a', 'open', 0, null, 4], [-1, 'a', 'torn', 9, -5], [-1, 'a', '', 20, 1]], { sparse: { startMissing: [2] } }));
  assert.deepEqual([0, 1, 2].map((row) => timeOf(rows, row)), ['open', 'ended before it began', 'time not recorded']);
  assert.equal(rows.endOf(0), rows.end);
});

test('folding hides what is below, and settlements stand for themselves only if asked', () => {
  const rows = order();
  const fold = new Fold(rows);
  const shown = () => [...fold.shown.subarray(0, fold.count)];
  assert.deepEqual(shown(), [0, 1, 2, 4, 6]);
  assert.equal(fold.canFold(2), false, 'only a settlement is below');
  fold.set(1, true);
  assert.deepEqual(shown(), [0, 1, 6]);
  assert.equal(fold.nearest(4), 1);
  fold.reveal(5);
  assert.deepEqual(shown(), [0, 1, 2, 3, 4, 5, 6]);
  fold.setAll(true);
  assert.deepEqual(shown(), [0]);
  const again = new Fold(rows, { folded: fold.ids(), settlements: true });
  assert.equal(again.count, 1);
});

test('keys find parents, children, siblings and errors', () => {
  const rows = order();
  assert.equal(firstChild(rows, 1), 2);
  assert.equal(firstChild(rows, 6), -1);
  assert.equal(sibling(rows, 2, 1), 4);
  assert.equal(sibling(rows, 4, -1), 2);
  assert.equal(sibling(rows, 6, -1), 1);
  assert.equal(sibling(rows, 1, -1), -1);
  assert.equal(sibling(rows, 6, 1), -1);
  assert.deepEqual(position(rows, 6), { at: 2, of: 2 });
  assert.deepEqual([-1, 2, 5, 9].map((from) => nextIn([2, 5], from, 1)), [2, 5, 2, 2]);
  assert.deepEqual([0, 2, 5, 9].map((from) => nextIn([2, 5], from, -1)), [5, 5, 2, 5]);
  assert.equal(nextIn([], 0, 1), -1);
});

test('siblings among several roots are found', () => {
  const rows = new Rows(answer([[-1, 'a', 'x', 0, 1], [0, 'a', 'y', 0, 1], [-1, 'a', 'z', 2, 1]]));
  assert.equal(sibling(rows, 2, -1), 0);
  assert.equal(sibling(rows, 0, 1), 2);
  assert.equal(sibling(rows, 0, -1), -1);
});

test('a search looks at names, services, queues, errors and ids', () => {
  const rows = order();
  assert.deepEqual(matches(rows, 'BILLING process'), [2, 4]);
  assert.deepEqual(matches(rows, 'no luck'), [2]);
  assert.deepEqual(matches(rows, 'confirmed'), [1]);
  assert.deepEqual(matches(rows, '0000000000000007'), [6]);
  assert.deepEqual(matches(rows, '  '), []);
});

test('every level of a deep tree is readable', () => {
  assert.deepEqual([0, 1, 16, 17, 1000].map(indentOf), [
    { level: 0, from: 0 }, { level: 1, from: 0 }, { level: 16, from: 0 }, { level: 1, from: 16 }, { level: 8, from: 992 },
  ]);
});

test('a copied tree says what is drawn', () => {
  const rows = order();
  assert.deepEqual(treeText(rows, new Fold(rows)).split('\n'), [
    'shop ▸ POST /orders  12.0 ms', '  publish orders  2.00 ms  confirmed', '    ⇢ ✗ billing ▸ process orders  10.0 ms  queued 490 ms  nack', '        no luck',
    '    ⇢ billing ▸ process orders  90.0 ms  queued 2.00 s  attempt 2  ack', '  log  1.00 ms',
  ]);
});

test('names cannot hide or reorder what is shown', () => {
  const rows = new Rows(answer([[-1, '\u202esvc', '\u001b[31m<img src=x>', 0, 1, 1]], { sparse: { error: { 0: 0 } }, errors: ['a\u2066b'] }));
  assert.doesNotMatch(sentence(rows, 0) + treeText(rows, new Fold(rows)), /[\u001b\u202e\u2066]/);
});

test('dead letters name the queue and the reason', () => {
  const rows = new Rows(answer([[-1, 'a', 'x', 0, 1], [-1, 'a', 'y', 2, 1]], { sparse: { deadLettered: [0], deadLetter: { 1: { queue: 'orders', reason: 'delivery_limit' } } } }));
  assert.deepEqual(labels(rows, 0), [['bad', '⊗ dead-lettered']]);
  assert.deepEqual(labels(rows, 1), [['warn', '⊗ dead letter: delivery limit from orders']]);
});

test('the map counts hops, errors and waits', () => {
  const { nodes, edges } = serviceMap(order());
  assert.deepEqual(nodes.map((node) => [node.name, node.spans, node.errors]), [['shop', 3, 0], ['billing', 4, 1]]);
  assert.equal(edges.length, 1);
  assert.deepEqual([edges[0].destination, edges[0].count, edges[0].errors, edges[0].queued], ['orders', 2, 1, 1245 * MS]);
  const { columns, column } = columnsOf({ nodes, edges: [...edges, { from: 1, to: 0 }] });
  assert.deepEqual([column.get(0), column.get(1), columns.length], [0, 1, 2], 'a circle ends');
  assert.deepEqual([median([]), median([3]), median([4, 1, 2]), median([1, 2, 3, 4])], [null, 3, 2, 2.5]);
});

test('suspensions have places, unless clocks disagree', () => {
  const rows = new Rows(answer([[-1, 'a', 'x', 0, 9000]]));
  const at = (s) => `2026-11-20T09:25:${46 + s}.000000001Z`;
  rows.run.suspensions = [{ suspendedAt: at(1), resumedAt: at(3), reason: 'a person' }, { suspendedAt: at(5) }, { suspendedAt: at(4), resumedAt: at(2) }, { resumedAt: at(1) }];
  assert.deepEqual(suspensionsOf(rows), [[1e9 + 1, 3e9 + 1, 'a person', false], [5e9 + 1, 9e9, '', true]]);
  assert.equal(since('2026-11-20T23:59:59.999999999Z', '2026-11-21T00:00:00.000000001Z'), 2);
});

test('what doctor finds stands at its span', () => {
  const rows = order();
  rows.setFindings([{ kind: 'not_settled', what: 'a', spanId: '0000000000000003' }, { kind: 'no_end', what: 'b' }, { kind: 'x', what: 'c', spanId: 'f'.repeat(16) }]);
  assert.deepEqual([...rows.findings.keys()], [2]);
  assert.deepEqual(rows.unplaced.map((gap) => gap.what), ['b', 'c']);
});

test('a hundred thousand rows are quick', () => {
  const spans = Array.from({ length: 100_000 }, (_, row) => [row === 0 ? -1 : row % 10 === 1 ? 0 : row - 1, 'a', `n${row % 50}`, row, 5]);
  const begun = performance.now();
  const rows = new Rows(answer(spans));
  const fold = new Fold(rows);
  fold.setAll(true);
  fold.setAll(false);
  assert.equal(matches(rows, 'n7').length, 2000);
  assert.equal(fold.count, 100_000);
  // Far more than it takes: it fails if something takes time for rows times rows.
  assert.ok(performance.now() - begun < 30_000);
});

test('long waits are where no span works', () => {
  const waits = (spans, suspensions = []) => longWaits(new Rows(answer(spans)), suspensions).map(([from, to]) => [from / MS, to / MS]);
  assert.deepEqual(waits([[-1, 'a', 'x', 0, 10], [0, 'b', 'y', 2010, 90]]), [[10, 2010]]);
  assert.deepEqual(waits([[-1, 'a', 'x', 0, 2100], [0, 'b', 'y', 2010, 90]]), [], 'the upper span works all the time');
  assert.deepEqual(waits([[-1, 'a', 'x', 0, 2100], [0, 'b', 'y', 2010, 90]], [[100 * MS, 2000 * MS, '', false]]), [[100, 2000]]);
  assert.deepEqual(waits([[-1, 'a', 'x', 0, 2100], [0, 'b', 'y', 1010, 90]], [[100 * MS, 2000 * MS, '', false]]), [], 'another span works meanwhile');
  assert.deepEqual(waits([[-1, 'a', 'x', 0, null, 4], [-1, 'b', 'y', 1000, 10]]), [[0, 1000]], 'nobody knows what an open one does');
  assert.deepEqual(waits([]), []);
});

test('a run that waits for days is cut by itself', () => {
  const mostly = (spans) => { const rows = new Rows(answer(spans)); return isMostlyWaiting(rows, longWaits(rows, [])); };
  assert.equal(mostly([[-1, 'a', 'x', 0, 10], [0, 'b', 'y', 2010, 90]]), false);
  assert.equal(mostly([[-1, 'a', 'x', 0, 10], [0, 'b', 'y', 86_400_000, 90]]), true);
  assert.equal(mostly([]), false);
});
