import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { changeOf, diffText, GROUPS, ratioWords, signOf, VERDICTS } from '../../page/lib/diffs.js';
import { doctorLine, doctorText, grouped, TITLES } from '../../page/lib/gaps.js';
import { outcome } from '../../page/lib/status.js';
import { spread } from '../../page/lib/spread.js';
import { errorOf, HOPS, KINDS, LOST, nameOf, placeOfStep } from '../../page/lib/steps.js';
import { attemptsLine, headline, whyText } from '../../page/lib/whytext.js';

const schema = (name) => JSON.parse(readFileSync(new URL(`../../../../docs/schema/${name}.json`, import.meta.url), 'utf8'));
const at = (ms) => `2026-11-30T10:00:00.${String(Math.round(ms * 1e6)).padStart(9, '0')}Z`;
const step = (name, more = {}) => ({ runId: 'a'.repeat(32), spanId: 'b'.repeat(16), name, primitive: 'custom.x', service: 'shop', status: 'ok', hop: 'local', startedAt: at(0), durationMs: 1, ...more });

test('every word of the schemas has words here', () => {
  const why = schema('why').$defs;
  assert.deepEqual(Object.keys(KINDS), why.failure.properties.kind.enum);
  assert.deepEqual(Object.keys(HOPS), why.step.properties.hop.enum);
  assert.deepEqual(Object.keys(LOST), why.step.properties.lost.enum);
  const diff = schema('diff');
  assert.deepEqual(Object.keys(VERDICTS), diff.properties.verdict.enum);
  const kinds = diff.$defs.difference.properties.kind.enum;
  assert.deepEqual(new Set(GROUPS.flatMap(([, all]) => all)), new Set(kinds));
  assert.equal(new Set(kinds.map((kind) => signOf({ kind })[1])).size, kinds.length);
  assert.deepEqual(Object.keys(TITLES), schema('doctor').properties.gaps.items.properties.kind.enum);
});

test('words of a later release are shown as they are', () => {
  assert.deepEqual(signOf({ kind: 'reordered' }), ['off', '·', 'reordered']);
  assert.match(doctorText({ gaps: [{ kind: 'too_new', what: 'x', likelyCause: 'y', fix: 'z' }], notJudged: [], runs: 1, runsFound: 1 }), /too new/);
});

test('a step leads to its place in its run', () => {
  assert.equal(placeOfStep(step('pay')), `/runs/${'a'.repeat(32)}?span=${'b'.repeat(16)}`);
  assert.equal(placeOfStep({ runId: 'c' }), '/runs/c');
  assert.equal(nameOf({ name: 'checkout' }), 'run checkout');
  assert.equal(nameOf(step('')), '(start of bbbbbbbb… not recorded)');
  assert.equal(errorOf({ error: 'declined', errorType: 'CardError' }), 'declined (CardError)');
  assert.equal(errorOf({ error: ' ', errorType: '_OTHER' }), '');
});

test('why as text names cause, path and attempts', () => {
  const failed = step('charge', { status: 'error', error: 'declined', hop: 'queue', service: 'billing' });
  const change = { mutation: { table: 'orders', key: { id: 1 }, op: 'update' }, service: 'shop', writer: { runId: 'e'.repeat(32), runName: 'import', spanName: 'UPDATE orders' }, changed: [{ column: 'status', before: 'new', after: 5 }] };
  const why = {
    run: { runId: 'a'.repeat(32), name: 'checkout', status: 'ok', failedWork: 1, startedAt: at(0), errors: 2 },
    outcome: 'failed', moreFailures: 0, recovered: [], moreRecovered: 0, handled: [], moreHandled: 0, rolledBack: [], moreRolledBack: 0, unfinished: [], moreUnfinished: 0, notes: [],
    failures: [{ kind: 'error', step: failed, path: [step('publish'), failed], pathOmitted: 0, attempts: [failed, failed], moreAttempts: 0, earlier: [], tookDown: [], moreTakenDown: 0, alike: 0, ownerOk: true,
      changes: [change], moreChanges: 3, otherWriters: [{ ...change, writer: undefined }], rolledBack: [{ transaction: step('transaction'), statements: [step('UPDATE stock', { spanId: 'd'.repeat(16) })], moreStatements: 0 }], moreRolledBack: 0 }],
  };
  assert.equal(headline(why), '1 failure');
  assert.equal(attemptsLine(why.failures[0]), '2 attempts failed with the same error');
  const text = whyText(why);
  for (const part of ['ok, 1 message failed', '✗ charge (billing) failed', 'declined', '⇢ charge (billing)', 'although the owner', 'rows before: … 3 more', "orders id=1: status 'new' → 5, by UPDATE orders (shop) in import eeeeeeee", 'unknown writer, recorded by shop', 'rolled back: transaction']) assert.ok(text.includes(part), part);
});

test('steps lie on one time line unless clocks disagree', () => {
  const path = [step('run', { durationMs: 100 }), step('publish', { startedAt: at(10), durationMs: 5 }), step('process', { startedAt: at(50), durationMs: 50, hop: 'queue' })];
  const bars = spread(path);
  assert.deepEqual(bars.map(({ left }) => Math.round(left)), [0, 10, 50]);
  assert.deepEqual(bars.map(({ width }) => Math.round(width)), [100, 5, 50]);
  assert.deepEqual(bars.map(({ wait }) => wait && [Math.round(wait.left), Math.round(wait.width)]), [undefined, undefined, [15, 35]]);
  assert.equal(spread([path[1], path[0]]), null);
  assert.equal(spread([path[0]]), null);
});

test('changes of times say how much, others what', () => {
  assert.deepEqual(changeOf({ key: 'queuedMs', left: 10, right: 2000 }), { label: 'time in the queue', left: '10.0 ms', right: '2.00 s', ratio: 200 });
  assert.deepEqual(changeOf({ key: 'order.vip', right: { a: [1] } }), { label: 'order.vip', left: '(none)', right: '{"a":[1]}' });
  assert.equal(changeOf({ key: 'constructor', left: 1 }).label, 'constructor');
  assert.deepEqual([200, 2.44, 1.3, 0.5].map(ratioWords), ['200 times as long', '2.4 times as long', '+30 %', '−50 %']);
  const side = (status) => ({ runId: 'a', status });
  assert.match(diffText({
    verdict: 'regressed', left: { name: 'x', runId: 'a', status: 'ok' }, right: { name: 'x', runId: 'b', status: 'error' }, moreDifferences: 2, runsNotRead: 1,
    differences: [{ kind: 'status', path: ['x'], name: 'pay', service: 'shop', left: side('ok'), right: { ...side('error'), error: 'no' }, changes: [], below: 0, count: 3 }],
  }), /✗ failed {3}x › pay \(shop\) {2}×3\n.*ok → error: no\n1 more connected run was not read: .*\n… 2 more differences/);
});

test('gaps with one cause stand together', () => {
  const gap = (kind, runId, fix = 'mend it') => ({ kind, runId, what: 'w', likelyCause: 'c', fix });
  const gaps = [gap('no_end', '1'), gap('no_end', '2'), gap('no_end', '2', 'other'), gap('conflict', '1')];
  assert.deepEqual(grouped(gaps).map((group) => [group.kind, group.gaps.length]), [['no_end', 2], ['no_end', 1], ['conflict', 1]]);
  assert.equal(doctorLine({ gaps, notJudged: [], runs: 10, runsFound: 10 }), '4 gaps in 2 of 10 runs');
  assert.equal(doctorLine({ gaps: [], notJudged: [], runs: 10, runsFound: 30 }), 'Nothing is missing in the newest 10 runs of 30');
  assert.equal(doctorLine({ gaps: [], notJudged: [{}], runs: 1, runsFound: 1 }), 'No gap found in 1 run; some things could not be judged');
  assert.equal(doctorLine({ gaps: [], notJudged: [], runs: 0, runsFound: 0 }), 'There is no run to check');
});

test('an operation is ok only if what it started is', () => {
  const words = (run) => { const { sign, words: text } = outcome(run); return `${sign} ${text}`; };
  assert.equal(words({ status: 'ok', failedDescendants: 1 }), '! ok, 1 run failed');
  assert.equal(words({ status: 'ok', failedWork: 2, deadLettered: 2, failedDescendants: 3 }), '! ok, 2 messages dead-lettered, 3 runs failed');
  assert.equal(words({ status: 'error', failedDescendants: 1 }), '✗ error, 1 run failed');
});
