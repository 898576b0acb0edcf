// The differences of two runs in words.
import { errorOf } from './steps.js';
import { counted, named, visible } from './text.js';
import { durationMs } from './time.js';

/** The tone and the sentence of a verdict. */
export const VERDICTS = {
  __proto__: null,
  regressed: ['bad', '✗', 'Something failed that did not fail in the left run.'],
  fixed: ['ok', '✓', 'What failed in the left run did not fail in the right one.'],
  changed: ['warn', '~', 'Steps were added, removed or changed.'],
  slower: ['warn', '▲', 'Only times differ, and a step is slower.'],
  faster: ['ok', '▼', 'Only times differ, and no step is slower.'],
  identical: ['ok', '=', 'There is no difference.'],
};

const WORSE = ['error', 'panicked', 'conflicted'];

/** A tone, a sign and a word for a difference. */
export function signOf(difference) {
  const worse = WORSE.includes(difference.right?.status);
  return {
    __proto__: null,
    // A step that is new and failed is no good news.
    added: [worse ? 'bad' : 'ok', '+', 'added'],
    removed: ['bad', '−', 'removed'],
    status: worse ? ['bad', '✗', 'failed'] : ['ok', '✓', 'status'],
    attributes: ['warn', '~', 'changed'],
    slower: ['warn', '▲', 'slower'],
    faster: ['ok', '▼', 'faster'],
  }[difference.kind] ?? ['off', '·', difference.kind];
}

/** The groups that differences are shown in, worst first: title and kinds. */
export const GROUPS = [
  ['Failed or recovered', ['status']], ['Added', ['added']], ['Removed', ['removed']], ['Changed', ['attributes']], ['Slower', ['slower']], ['Faster', ['faster']],
];

/** A changed value: `{label, left, right, ratio?}` as texts. Times have a ratio, right to left. */
export function changeOf({ key, left, right }) {
  // Keys are attributes of others: any text.
  const times = { __proto__: null, selfMs: 'time of its own', queuedMs: 'time in the queue' }[key];
  if (times) {
    const ratio = left > 0 && right > 0 ? right / left : undefined;
    return { label: times, left: durationMs(left ?? 0), right: durationMs(right ?? 0), ratio };
  }
  const text = (value) => (value === undefined ? '(none)' : typeof value === 'string' ? value : JSON.stringify(value));
  return { label: key, left: text(left), right: text(right) };
}

/** `2.4 times`, `+30 %`: how much longer it took. */
export function ratioWords(ratio) {
  if (ratio === undefined) return '';
  if (ratio >= 2) return `${ratio.toFixed(ratio < 10 ? 1 : 0)} times as long`;
  const percent = Math.round((ratio - 1) * 100);
  return percent >= 0 ? `+${percent} %` : `−${-percent} %`;
}

/** What a comparison leaves out, in words. */
export function notRead(runs) {
  return `${counted(runs, 'more connected run')} ${runs === 1 ? 'was' : 'were'} not read: what differs in ${runs === 1 ? 'it' : 'them'} is not known`;
}

/** The answer of diff as plain text. */
export function diffText(diff) {
  const run = (label, one) => `${label}  ${visible(named(one.name))}  ${one.runId}  ${one.status}`;
  const lines = [diff.verdict, run('left ', diff.left), run('right', diff.right), ''];
  for (const one of diff.differences) {
    const [, sign, word] = signOf(one);
    const place = [...one.path, one.name].map((name) => visible(named(name))).join(' › ');
    const below = one.below > 0 ? `  with ${counted(one.below, 'step')} below` : '';
    lines.push(`${sign} ${word.padEnd(8)} ${place}${one.service ? ` (${visible(one.service)})` : ''}${below}${one.count > 1 ? `  ×${one.count}` : ''}`);
    if (one.kind === 'status') lines.push(`           ${one.left?.status} → ${one.right?.status}${one.right?.error ? `: ${visible(errorOf(one.right))}` : ''}`);
    one.changes.map(changeOf).forEach((change) => lines.push(`           ${visible(change.label)}: ${visible(change.left)} → ${visible(change.right)}`));
  }
  if (diff.runsNotRead) lines.push(notRead(diff.runsNotRead));
  if (diff.moreDifferences > 0) lines.push(`… ${counted(diff.moreDifferences, 'more difference', 'more differences')}`);
  return lines.join('\n');
}
