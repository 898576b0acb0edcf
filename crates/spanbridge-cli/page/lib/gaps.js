// What doctor finds, in words.
import { counted, named, visible } from './text.js';

/** The title of each kind of gap, as on the command line. */
export const TITLES = {
  __proto__: null,
  not_received: 'Sent but never received',
  no_consumer: 'Sent, but there is no consumer',
  not_relayed: 'In an outbox, but never sent',
  work_not_recorded: 'Received, but its work is not recorded',
  not_settled: 'Received but never settled',
  never_settled: 'No settlement recorded',
  context_lost: 'Context lost on the way',
  context_dropped: 'Context dropped for lack of space',
  context_not_carried: 'Call that cannot carry a context',
  header_malformed: 'Unreadable header',
  event_header: 'Unreadable event header',
  parent_missing: 'Parent span not recorded',
  start_missing: 'Start not recorded',
  clock_behind: 'Clocks that disagree',
  end_before_start: 'Ended before it began',
  own_parent: 'Run that is its own parent',
  conflict: 'Records that contradict each other',
  no_end: 'Started but never ended',
  out_of_time: 'Stopped by its time limit',
  response_lost: 'Response lost',
  records_dropped: 'Records dropped by the recorder',
  flush_incomplete: 'Flush not finished in time',
  redaction_failed: 'Payload not captured',
};

/** The title of a kind. A kind of a later release is shown by its code. */
export function titleOf(kind) {
  return TITLES[kind] ?? kind.replaceAll('_', ' ');
}

/** Gaps by kind, cause and fix, in the order in which they came: `{kind, likelyCause, fix, gaps}`. */
export function grouped(gaps) {
  const groups = new Map();
  for (const gap of gaps) {
    const key = JSON.stringify([gap.kind, gap.likelyCause, gap.fix]);
    if (!groups.has(key)) groups.set(key, { kind: gap.kind, likelyCause: gap.likelyCause, fix: gap.fix, gaps: [] });
    groups.get(key).gaps.push(gap);
  }
  return [...groups.values()];
}

/** The answer in one line. */
export function doctorLine({ gaps, notJudged, runs, runsFound }) {
  const checked = runsFound > runs ? `the newest ${counted(runs, 'run')} of ${runsFound.toLocaleString('en-US')}` : counted(runs, 'run');
  if (gaps.length > 0) {
    const affected = new Set(gaps.map((gap) => gap.runId).filter(Boolean)).size;
    return affected > 0 ? `${counted(gaps.length, 'gap')} in ${affected.toLocaleString('en-US')} of ${checked}` : `${counted(gaps.length, 'gap')}; ${checked} checked`;
  }
  if (runs === 0) return 'There is no run to check';
  return notJudged.length > 0 ? `No gap found in ${checked}; some things could not be judged` : `Nothing is missing in ${checked}`;
}

/** The answer of doctor as plain text. */
export function doctorText(doctor) {
  const lines = [doctorLine(doctor)];
  for (const group of grouped(doctor.gaps)) {
    lines.push('', `! ${titleOf(group.kind)}`);
    group.gaps.forEach((gap) => lines.push(`  ${(gap.runId ?? '').slice(0, 8).padEnd(8)}  ${visible(gap.what)}${gap.runName ? `  (${visible(named(gap.runName))})` : ''}`));
    lines.push(`  why  ${visible(group.likelyCause)}`, `  fix  ${visible(group.fix)}`);
  }
  if (doctor.notJudged.length > 0) lines.push('', 'Not judged:');
  doctor.notJudged.forEach((one) => lines.push(`  ${one.count}  ${visible(one.why)}${one.example ? `  For example: ${visible(one.example)}` : ''}`));
  return lines.join('\n');
}
