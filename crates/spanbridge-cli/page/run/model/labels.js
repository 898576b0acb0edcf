// The words beside a row: the same as on the command line, where both show it.
import { DEAD_LETTERED, NEW_TRACE, NO_START, ON_PATH, REDELIVERED, RETRY, ROLLED_BACK, SKEWED } from './rows.js';
import { clip, counted, named, visible } from '../../lib/text.js';
import { duration } from '../../lib/time.js';
import { status } from '../../lib/status.js';

const HANDED = { confirmed: 'off', sent: 'off', committed: 'ok', rejected: 'bad', returned: 'bad' };

/** The words beside a row, as `[tone, words]`, the most important first. */
export function labels(rows, row) {
  const { sparse } = rows;
  const has = (flag) => (rows.flags[row] & flag) !== 0;
  const out = [];
  const add = (tone, words) => out.push([tone, words]);
  const state = rows.statusOf(row);
  const handoff = sparse.handoff[row];
  if (has(SKEWED)) add('warn', 'clocks disagree');
  if (state === 'panicked') add('bad', 'panicked');
  if (state === 'cancelled' && handoff !== 'rolled_back') add('warn', 'cancelled');
  if (has(ROLLED_BACK)) add('warn', 'rolled back');
  if (sparse.attempt[row] > 1) add('warn', `attempt ${sparse.attempt[row]}`);
  else if (has(RETRY)) add('warn', 'retry');
  else if (has(REDELIVERED)) add('warn', 'delivered again');
  if (has(DEAD_LETTERED)) add('bad', '⊗ dead-lettered');
  const dead = sparse.deadLetter[row];
  if (dead) {
    const reason = dead.reason ? `: ${visible(dead.reason.replaceAll('_', ' '))}` : '';
    add('warn', `⊗ dead letter${reason}${dead.queue ? ` from ${clip(dead.queue, 32)}` : ''}`);
  }
  if (handoff) add(HANDED[handoff] ?? 'warn', visible(handoff.replaceAll('_', ' ')));
  for (const word of sparse.settlement[row] ?? []) add(/^(ack|commit)\b/.test(word) ? 'ok' : 'warn', word);
  const code = sparse.httpStatus[row];
  if (code !== undefined) add(code >= 500 ? 'bad' : code >= 400 ? 'warn' : 'off', String(code));
  if (sparse.batch[row] !== undefined) add('off', `batch of ${sparse.batch[row]}`);
  if (sparse.transaction[row]) add('off', `transaction ${clip(sparse.transaction[row], 24)}`);
  if (sparse.run[row] !== undefined) {
    const child = rows.others.childRuns.find((run) => run.runId === rows.tables.runs[sparse.run[row]]);
    if (child && child.status !== 'ok') add(status(child.status).tone, child.status);
    add('off', child ? `run ${clip(named(child.name), 32)}` : `run ${rows.runIdOf(row).slice(0, 8)}`);
  }
  if (sparse.orphan[row]) add('warn', 'parent not recorded');
  if (has(NEW_TRACE) && sparse.batch[row] === undefined) add('off', 'new trace');
  const links = (sparse.links[row] ?? 0) - (has(NEW_TRACE) ? 1 : 0);
  if (links > 0) add('off', sparse.batch[row] !== undefined ? `↗ ${counted(links, 'sender')}` : `↗ ${counted(links, 'link')}`);
  if (sparse.linkedFrom[row] && !linkedHere(rows, row)) add('off', `↙ linked from ${sparse.linkedFrom[row]}`);
  return out;
}

/** Whether what links to a row stands directly below it. */
function linkedHere(rows, row) {
  let below = 0;
  for (let child = row + 1; child < rows.next[row]; child = rows.next[child]) if (rows.flags[child] & NEW_TRACE) below += 1;
  return below >= rows.sparse.linkedFrom[row];
}

/** The name that is shown, or that the start is missing. */
export function titleOf(rows, row) {
  if (rows.flags[row] & NO_START) return '(start not recorded)';
  return clip(named(rows.nameOf(row)), 300);
}

/** How long it took, in words. */
export function timeOf(rows, row) {
  if (rows.isOpen(row)) return 'open';
  if (rows.duration[row] < 0) return 'ended before it began';
  return rows.hasTime(row) ? duration(rows.duration[row]) : 'time not recorded';
}

/** How long its message waited, in words; empty if it is not the work on one. */
export function queuedOf(rows, row) {
  const wait = rows.sparse.queued[row];
  if (wait !== undefined) return `queued ${duration(wait)}`;
  return rows.flags[row] & SKEWED && rows.sparse.hop[row] === 'queue' ? 'queued: not computed' : '';
}

/** The row in one sentence: what a screen reader says, and what is copied. */
export function sentence(rows, row) {
  const queued = queuedOf(rows, row);
  const suspended = rows.sparse.suspended[row];
  const words = [
    titleOf(rows, row), visible(rows.serviceOf(row)), rows.statusOf(row), queued, timeOf(rows, row),
    suspended !== undefined && `suspended ${duration(suspended)}`,
    ...labels(rows, row).map(([, text]) => text.replace(/^[⊗↗↙] /, '')),
    rows.flags[row] & ON_PATH && 'on the critical path',
    rows.findings.has(row) && `doctor: ${rows.findings.get(row).map((gap) => visible(gap.what)).join('; ')}`,
    rows.errorOf(row) && visible(rows.errorOf(row)),
  ];
  return words.filter(Boolean).join(', ');
}
