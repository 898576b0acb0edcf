import assert from 'node:assert/strict';
import { test } from 'node:test';

import { outcome, recovered, status } from '../../page/lib/status.js';

test('every status has its own sign, and its word', () => {
  const words = ['ok', 'error', 'panicked', 'cancelled', 'suspended', 'open', 'conflicted', 'of a later release'];
  assert.deepEqual(words.map((word) => status(word).words), words);
  const good = status('ok').sign;
  assert.ok(words.slice(1).every((word) => status(word).sign !== good));
});

test('a run that is ok says what failed all the same', () => {
  assert.equal(outcome({ status: 'ok' }).words, 'ok');
  assert.equal(outcome({ status: 'ok', failedWork: 1, deadLettered: 1 }).words, 'ok, 1 message dead-lettered');
  assert.equal(outcome({ status: 'ok', failedWork: 3 }).words, 'ok, 3 messages failed');
  assert.equal(outcome({ status: 'ok', failedWork: 3, deadLettered: 1 }).words, 'ok, 3 messages failed, 1 of them dead-lettered');
  assert.equal(outcome({ status: 'ok', failedWork: 1, neverSettled: 1 }).words, 'ok, 1 message never settled');
  assert.equal(outcome({ status: 'ok', failedWork: 3, neverSettled: 1 }).words, 'ok, 3 messages failed, 1 of them never settled');
  assert.equal(outcome({ status: 'ok', failedWork: 3, deadLettered: 1, neverSettled: 2 }).words, 'ok, 3 messages failed, 1 of them dead-lettered, 2 never settled');
  assert.equal(recovered({ recoveredWork: 2 }), '2 messages recovered by a retry');
  assert.equal(recovered({}), '');
});
