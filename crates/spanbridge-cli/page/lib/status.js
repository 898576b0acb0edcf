// The status of a run or a step: always a sign and a word, and a tone for the colour. Colour is never the only sign.
import { counted } from './text.js';

const STATUS = {
  __proto__: null,
  ok: { sign: '✓', tone: 'ok' },
  error: { sign: '✗', tone: 'bad' },
  panicked: { sign: '✗', tone: 'bad' },
  conflicted: { sign: '!', tone: 'bad' },
  cancelled: { sign: '⊘', tone: 'off' },
  suspended: { sign: '‖', tone: 'wait' },
  open: { sign: '◌', tone: 'open' },
};

/** `{sign, tone, words}` of a status. A status of a later release is shown by its word. */
export function status(word) {
  return { sign: '·', tone: 'off', ...STATUS[word], words: word };
}

/** The outcome of a run in words: `ok, 1 message dead-lettered` if work failed for good although the run is ok; so for what it started. */
export function outcome(run) {
  // Neither a step nor its end is recorded: it is known from a changed row alone.
  if (run.spans === 0 && run.status === 'ok' && run.endedAt === undefined) return { sign: '?', tone: 'off', words: 'unknown' };
  const plain = status(run.status);
  const failed = [failedWork(run), run.failedDescendants ? `${counted(run.failedDescendants, 'run')} failed` : ''].filter(Boolean);
  if (failed.length === 0) return plain;
  // What the run itself says is worse, or it is not.
  const own = plain.tone === 'bad' ? plain : { sign: '!', tone: 'warn' };
  return { ...own, words: [run.status, ...failed].join(', ') };
}

/** What failed for good, in words; empty if nothing did. */
function failedWork({ failedWork: total = 0, deadLettered: dead = 0, neverSettled: never = 0 }) {
  if (total === 0) return '';
  const all = counted(total, 'message');
  const kinds = [[dead, 'dead-lettered'], [never, 'never settled']].filter(([count]) => count > 0);
  const only = kinds.find(([count]) => count === total);
  if (only) return `${all} ${only[1]}`;
  const parts = kinds.map(([count, word], at) => `, ${count} ${at === 0 ? 'of them ' : ''}${word}`);
  return `${all} failed${parts.join('')}`;
}

/** What a retry mended, in words; empty if nothing was. */
export function recovered({ recoveredWork = 0 }) {
  return recoveredWork === 0 ? '' : `${counted(recoveredWork, 'message')} recovered by a retry`;
}
