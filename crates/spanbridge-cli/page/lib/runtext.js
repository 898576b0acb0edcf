// A list of runs as plain text, for chats and tickets.
import { outcome } from './status.js';
import { counted, named, visible } from './text.js';
import { durationMs } from './time.js';

const MOST = 500;

/** A line for each run: id, outcome, name, services, duration, beginning. */
export function asText(rows) {
  const lines = rows.slice(0, MOST).map((run) => {
    const { sign, words } = outcome(run);
    const took = run.durationMs === undefined ? '–' : durationMs(run.durationMs);
    return [run.runId.slice(0, 8), `${sign} ${words}`, `${visible(named(run.name))}${run.descendants ? ` +${counted(run.descendants, 'run')}` : ''}`, run.services.map(visible).join(', '), took, run.startedAt];
  });
  const widths = [0, 1, 2, 3, 4].map((at) => Math.min(60, Math.max(0, ...lines.map((line) => line[at].length))));
  const text = lines.map((line) => line.map((cell, at) => (at < 5 ? cell.padEnd(widths[at]) : cell)).join('  ')).join('\n');
  return rows.length > MOST ? `${text}\n… ${rows.length - MOST} more` : text;
}
