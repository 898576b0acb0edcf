// The left side of a row: where it stands in the tree, its service, its name and the words beside it.
import { fitted, measure, rounded } from './surface.js';
import { faded } from './palette.js';
import { labels, queuedOf, timeOf, titleOf } from '../model/labels.js';
import { indentOf } from '../model/text.js';
import { NO_START } from '../model/rows.js';
import { clip, number, visible } from '../../lib/text.js';
import { status } from '../../lib/status.js';

/** The room left of the tree, for marks; of each level; of the sign that folds. */
export const GUTTER = 20, FOLDER = 15;

/** How wide a level is, in a tree of this width. */
export function levelWidth(width) {
  return width < 260 ? 7 : width < 420 ? 10 : 14;
}

/** Where the sign that folds a row begins. */
export function folderAt(rows, row, width) {
  const { level, from } = indentOf(rows.depth[row]);
  return GUTTER + (from > 0 ? 30 : 0) + level * levelWidth(width);
}

/** Draws the left side of a row at `y`. `columns` are texts to the right, with their widths. */
export function drawTree(ctx, it, row, y, width, dim) {
  const { rows, fold, palette, height, found } = it;
  const { colors, fonts, hues } = palette;
  const middle = y + height / 2;
  const step = levelWidth(width);
  const { level, from } = indentOf(rows.depth[row]);
  const color = hues[rows.hueOf(row)];
  const state = rows.statusOf(row);
  const alpha = dim ? 0.55 : 1;

  // What was found, and what is searched for.
  if (rows.findings.has(row)) {
    ctx.fillStyle = colors.warn;
    ctx.beginPath();
    ctx.moveTo(10, middle - 5.5); ctx.lineTo(15.5, middle + 4.5); ctx.lineTo(4.5, middle + 4.5);
    ctx.closePath();
    ctx.fill();
    ctx.fillStyle = colors.bg;
    ctx.fillRect(9.4, middle - 2, 1.3, 3.4); ctx.fillRect(9.4, middle + 2.3, 1.3, 1.3);
  }
  if (found.has(row)) {
    ctx.fillStyle = faded(colors.accent, row === it.selected ? 0.3 : 0.16);
    ctx.fillRect(0, y, width, height);
    ctx.fillStyle = colors.accent;
    ctx.fillRect(0, y, 2, height);
  }

  // Guides.
  ctx.strokeStyle = colors.line;
  ctx.lineWidth = 1;
  ctx.beginPath();
  const base = GUTTER + (from > 0 ? 30 : 0);
  for (let i = 1; i <= level; i += 1) {
    const x = Math.round(base + (i - 1) * step + 5) + 0.5;
    ctx.moveTo(x, y);
    ctx.lineTo(x, y + height);
  }
  ctx.stroke();
  if (from > 0) {
    ctx.font = fonts.small;
    ctx.fillStyle = colors['text-3'];
    ctx.fillText(`⋯${from}`, GUTTER - 2, middle + 0.5);
  }

  let x = folderAt(rows, row, width);
  if (fold.canFold(row)) {
    const open = !fold.isFolded(row);
    ctx.fillStyle = colors['text-3'];
    ctx.beginPath();
    if (open) { ctx.moveTo(x + 1, middle - 2.5); ctx.lineTo(x + 9, middle - 2.5); ctx.lineTo(x + 5, middle + 3); }
    else { ctx.moveTo(x + 2.5, middle - 4); ctx.lineTo(x + 8, middle); ctx.lineTo(x + 2.5, middle + 4); }
    ctx.closePath();
    ctx.fill();
  }
  x += FOLDER;
  ctx.globalAlpha = alpha;

  // Columns from the right.
  let right = width - 10;
  for (const { text, font, fill, room } of columnsOf(it, row, width)) {
    ctx.font = font;
    ctx.fillStyle = fill;
    ctx.textAlign = 'right';
    if (text) ctx.fillText(text, right, middle + 0.5);
    ctx.textAlign = 'left';
    right -= room;
  }
  const put = (text, font, fill, gap = 6) => {
    const shown = fitted(ctx, font, text, right - x);
    if (!shown) { x = right; return; }
    ctx.font = font;
    ctx.fillStyle = fill;
    ctx.fillText(shown, x, middle + 0.5);
    x += measure(ctx, font, shown) + gap;
  };

  const hop = rows.sparse.hop[row];
  if (hop) put(hop === 'queue' ? '⇢' : '→', fonts.sign, hop === 'queue' ? colors.warn : colors['text-3'], 5);
  if (state !== 'ok') {
    const { sign, tone } = status(state);
    put(sign, fonts.sign, colors[tone] ?? colors.off, 5);
  }
  if (rows.changesService(row) && rows.serviceOf(row)) {
    const text = fitted(ctx, fonts.label, clip(visible(rows.serviceOf(row)), 28), Math.min(right - x - 10, width * 0.34));
    if (text) {
      const wide = measure(ctx, fonts.label, text) + 12;
      rounded(ctx, x, middle - 9, wide, 18, 5);
      ctx.fillStyle = faded(color, palette.isLight ? 0.12 : 0.17);
      ctx.fill();
      ctx.strokeStyle = faded(color, 0.4);
      ctx.stroke();
      ctx.font = fonts.label;
      ctx.fillStyle = color;
      ctx.fillText(text, x + 6, middle + 0.5);
      x += wide + 7;
    }
  }
  const isRoot = rows.parent[row] < 0;
  const tone = rows.flags[row] & NO_START ? colors['text-3'] : rows.isError(row) ? colors.bad : colors.text;
  put(titleOf(rows, row), isRoot ? fonts.strong : fonts.name, tone, 8);
  if (fold.isFolded(row)) {
    const failed = rows.errorsBelow[row] - (rows.isError(row) ? 1 : 0);
    put(`+${number(rows.next[row] - row - 1)}${failed > 0 ? `, ${number(failed)} failed` : ''}`, fonts.label, failed > 0 ? colors.bad : colors['text-3'], 8);
  }
  // Where there is no room for all, what went wrong stays.
  const beside = labels(rows, row).sort(([a], [b]) => (b === 'bad') - (a === 'bad'));
  for (const [which, words] of beside) {
    const room = right - x;
    if (room < 30) break;
    const text = fitted(ctx, fonts.label, words, room - 12);
    if (!text) break;
    const wide = measure(ctx, fonts.label, text) + 10;
    rounded(ctx, x, middle - 8, wide, 16, 4);
    ctx.fillStyle = colors[`${which}-soft`];
    ctx.fill();
    ctx.font = fonts.label;
    ctx.fillStyle = which === 'off' ? colors['text-2'] : colors[which];
    ctx.fillText(text, x + 5, middle + 0.5);
    x += wide + 5;
  }
  const error = rows.errorOf(row);
  if (error && rows.isError(row) && right - x > 60) put(visible(error), fonts.small, colors['text-3']);
  ctx.globalAlpha = 1;
}

/** The times at the right of the tree: how long; in the dense view also the wait and the beginning. */
function columnsOf(it, row, width) {
  const { rows, palette: { colors, fonts }, dense } = it;
  const own = timeOf(rows, row);
  const isTime = rows.hasTime(row);
  const took = { text: isTime ? own : own === 'open' ? 'open' : '–', font: fonts.small, fill: own === 'open' ? colors.open : colors['text-2'], room: 68 };
  if (width < 330) return [];
  if (!dense) return [took];
  const wait = queuedOf(rows, row);
  return [took, { text: wait, font: fonts.small, fill: colors.warn, room: wait || width > 700 ? 130 : 0 }];
}
