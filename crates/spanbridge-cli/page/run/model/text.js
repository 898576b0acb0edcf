// A run as text: for copying.
import { labels, queuedOf, timeOf, titleOf } from './labels.js';
import { visible } from '../../lib/text.js';
import { status } from '../../lib/status.js';

/** How many levels of a tree stand beside each other. What is deeper begins at the left again, and says its depth. */
export const LEVELS = 16;

/** How far a row is indented, in levels, and the depth that stands before it if that is not its depth. */
export function indentOf(depth) {
  if (depth === 0) return { level: 0, from: 0 };
  const from = Math.floor((depth - 1) / LEVELS) * LEVELS;
  return { level: depth - from, from };
}

/** How many rows are copied. */
const MAX_ROWS = 20_000;

/** The shown rows as an indented tree, with everything that stands beside them. */
export function treeText(rows, fold) {
  const lines = [];
  for (let place = 0; place < Math.min(fold.count, MAX_ROWS); place += 1) {
    const row = fold.shown[place];
    const { level, from } = indentOf(rows.depth[row]);
    const state = rows.statusOf(row);
    const sign = state === 'ok' ? '' : `${status(state).sign} `;
    const hop = { queue: '⇢ ', call: '→ ' }[rows.sparse.hop[row]] ?? '';
    const service = rows.changesService(row) ? `${visible(rows.serviceOf(row))} ▸ ` : '';
    const beside = [queuedOf(rows, row), ...labels(rows, row).map(([, words]) => words)].filter(Boolean).join('  ');
    lines.push(`${from > 0 ? `⋯${from} ` : ''}${'  '.repeat(level)}${hop}${sign}${service}${titleOf(rows, row)}  ${timeOf(rows, row)}${beside && `  ${beside}`}`);
    const error = rows.errorOf(row);
    if (error) lines.push(`${'  '.repeat(level + 2)}${visible(error)}`);
  }
  if (fold.count > MAX_ROWS) lines.push(`… ${fold.count - MAX_ROWS} more`);
  return lines.join('\n');
}
