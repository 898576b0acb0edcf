// The answer of why as plain text, much as the command line prints it.
import { changeText, rowName, UNDONE, writerText } from './rowtext.js';
import { outcome } from './status.js';
import { errorOf, HOPS, KINDS, LOST, stepText, tookOf } from './steps.js';
import { counted, named, visible } from './text.js';

/** The answer in one line. */
export function headline(why) {
  const failures = why.failures.length + why.moreFailures;
  if (why.outcome === 'failed') return failures > 1 ? `${failures} failures, none the reason of another; in causal order` : '1 failure';
  if (why.outcome === 'cancelled') return 'Nothing failed; it was cancelled';
  return why.outcome === 'unfinished' ? 'No failure found; it has not ended' : 'No failure found';
}

/** The attempts before a failure in one line, if there were any. */
export function attemptsLine({ attempts, moreAttempts, step }) {
  const count = attempts.length + moreAttempts;
  if (count === 0) return '';
  const said = count === 1 ? '1 attempt failed' : `${count} attempts failed`;
  const errors = [...new Set(attempts.map(errorOf).filter(Boolean))];
  if (errors.length === 1 && errors[0] === errorOf(step)) return `${said} with the same error`;
  return errors.length === 0 ? said : `${said}: ${errors.map(visible).join('; ')}`;
}

function rows(lines, label, changes, more) {
  if (more > 0) lines.push(`${label}: … ${more} more before those`);
  changes.forEach((change) => lines.push(`${label}: ${visible(rowName(change.mutation))}: ${visible(changeText(change))}, by ${writerText(change)}`));
}

/** A transaction, and what it had written. */
function undone({ transaction, statements }) {
  const wrote = statements.filter((step) => step.spanId !== transaction.spanId).map((step) => visible(step.name));
  return `${stepText(transaction)}${wrote.length > 0 ? ` with ${wrote.join(', ')}` : ''}: ${UNDONE}`;
}

export function whyText(why) {
  const { sign, words } = outcome(why.run);
  const lines = [`${visible(named(why.run.name))}  ${why.run.runId}  ${sign} ${words}`, headline(why)];
  for (const failure of why.failures) {
    lines.push('', `✗ ${stepText(failure.step)} ${KINDS[failure.kind] ?? failure.kind}${failure.alike > 0 ? `  ×${failure.alike + 1}` : ''}`);
    const error = errorOf(failure.step);
    if (error) lines.push(...error.split('\n').map((line) => `  ${visible(line)}`));
    failure.path.forEach((step, at) => {
      if (step.lost) lines.push(`    (${LOST[step.lost] ?? step.lost})`);
      lines.push(`  ${at === 0 ? 'path' : '    '}  ${(HOPS[step.hop]?.[0] ?? '').padEnd(1)} ${stepText(step)}  ${tookOf(step)}`);
      if (at === 15 && failure.pathOmitted > 0) lines.push(`        … ${counted(failure.pathOmitted, 'more step', 'more steps')}`);
    });
    const attempts = attemptsLine(failure);
    if (attempts) lines.push(`  before it: ${attempts}`);
    if (failure.earlier.length > 0) lines.push(`  earlier, passed over: ${failure.earlier.map(stepText).join(', ')}`);
    if (failure.tookDown.length > 0) lines.push(`  took down: ${failure.tookDown.map(stepText).join(', ')}${failure.moreTakenDown > 0 ? `, ${failure.moreTakenDown} more` : ''}`);
    rows(lines, '  rows before', failure.changes, failure.moreChanges);
    failure.rolledBack.forEach((one) => lines.push(`  rolled back: ${undone(one)}`));
    rows(lines, '  other runs', failure.otherWriters, 0);
    if (failure.deadLetter) lines.push(`  dead letter: ${stepText(failure.deadLetter)}`);
    if (failure.ownerOk) lines.push('  although the owner of the run ended it as ok');
  }
  const excused = (all, words) => all.forEach((one) => lines.push(`✓ ${stepText(one.step)} failed${one.count > 1 ? ` ×${one.count}` : ''}, ${words(one)}`));
  if (why.recovered.length + why.handled.length > 0) lines.push('');
  excused(why.recovered, (one) => `then ${stepText(one.by)} succeeded`);
  excused(why.handled, (one) => `but ${stepText(one.by)} went on`);
  why.rolledBack.forEach((one) => lines.push(`↶ rolled back: ${undone(one)}`));
  if (why.unfinished.length > 0) lines.push('', `◌ no end: ${why.unfinished.map(stepText).join(', ')}`);
  if (why.lastGood) lines.push('', `last good: ${why.lastGood.run.runId}, ${counted(why.lastGood.differences, 'difference')}`);
  why.notes.forEach((note) => lines.push('', `! ${visible(note.message)}`));
  return lines.join('\n');
}
