// The right side of a row: time. Work in the colour of its service, time in a queue as dots before it, suspension as stripes.
import { fitted, measure, rounded } from './surface.js';
import { faded } from './palette.js';
import { queuedOf, timeOf } from '../model/labels.js';
import { SKEWED } from '../model/rows.js';
import { duration } from '../../lib/time.js';

/** Draws the bar of a row. `x0` and `width` are the place of the time axis. */
export function drawBar(ctx, it, row, y, x0, width, dim) {
  const { rows, fold, scale, palette, height, pathOn } = it;
  const { colors, hues, fonts, patterns } = palette;
  const at = (time) => x0 + scale.x(time, width);
  const thick = Math.min(14, height - 10);
  const top = Math.round(y + (height - thick) / 2);
  const middle = y + height / 2;
  const color = rows.isError(row) ? colors.bad : hues[rows.hueOf(row)];
  const [start, end] = [rows.start[row], rows.endOf(row)];
  const left = at(start);
  const wide = Math.max(at(end) - left, 1.5);
  if (left + wide < x0 - 1 || left > x0 + width + 1) return drawAway(ctx, it, row, y, x0, width, left < x0);
  ctx.globalAlpha = dim ? 0.3 : 1;

  // What a folded row hides goes on for this long.
  if (fold.isFolded(row) && rows.lastEnd[row] > end) {
    ctx.fillStyle = faded(color, 0.3);
    ctx.fillRect(left, middle - 1.5, at(rows.lastEnd[row]) - left, 3);
  }
  const skewed = (rows.flags[row] & SKEWED) !== 0;
  const wait = rows.sparse.queued[row];
  const queueLeft = wait === undefined ? left : at(start - wait);
  if (wait !== undefined && left - queueLeft >= 1) drawQueue(ctx, queueLeft, left, top, thick, palette, pathOn && it.isQueueOnPath(row));

  const outline = () => { ctx.strokeStyle = color; ctx.lineWidth = 1.2; rounded(ctx, left + 0.5, top + 0.5, Math.max(wide - 1, 1), thick - 1, 3); };
  if (skewed || !rows.hasTime(row) && !rows.isOpen(row)) {
    ctx.setLineDash([3, 3]);
    outline();
    ctx.stroke();
    ctx.setLineDash([]);
  } else if (rows.isOpen(row)) {
    const fade = ctx.createLinearGradient(left, 0, left + wide, 0);
    fade.addColorStop(0, faded(color, 0.85));
    fade.addColorStop(1, faded(color, 0.08));
    rounded(ctx, left, top, wide, thick, 3);
    ctx.fillStyle = fade;
    ctx.fill();
    ctx.setLineDash([4, 3]);
    outline();
    ctx.stroke();
    ctx.setLineDash([]);
  } else if (rows.statusOf(row) === 'cancelled') {
    outline();
    ctx.fillStyle = faded(color, 0.2);
    ctx.fill();
    ctx.stroke();
  } else {
    rounded(ctx, left, top, wide, thick, 3);
    ctx.fillStyle = color;
    ctx.fill();
    if (rows.isError(row) && wide > 5) { ctx.fillStyle = patterns.failed; ctx.fill(); }
  }
  const suspended = rows.sparse.suspended[row];
  if (suspended !== undefined) {
    for (const [from, to] of it.suspensions) {
      const [a, b] = [Math.max(left, at(from)), Math.min(left + wide, at(to))];
      if (b - a < 1) continue;
      ctx.fillStyle = colors.surface;
      ctx.fillRect(a, top, b - a, thick);
      ctx.fillStyle = patterns.suspendedBar;
      ctx.fillRect(a, top, b - a, thick);
    }
  }
  // Settlements are ticks on the bar of their job.
  for (const settled of fold.settlements ? [] : rows.settlements.get(row) ?? []) {
    const x = at(rows.start[settled]);
    ctx.fillStyle = colors.text;
    if (wide < 8) {
      ctx.fillRect(x - 0.5, top - 3, 1, 3);
      continue;
    }
    ctx.fillRect(x - 1, top - 3, 2, thick + 6);
    ctx.beginPath();
    ctx.arc(x, top - 3, 2.5, 0, 7);
    ctx.fill();
  }

  drawEvents(ctx, rows.sparse.eventTimes[row], at, top + thick, palette, row === it.selected);

  drawWords(ctx, it, row, { left, right: left + wide, queueLeft, middle, x0, width });
  if (pathOn) drawPath(ctx, it, row, y, at);
  ctx.globalAlpha = 1;
}

/** Events are small diamonds at the lower edge of the bar; those that fall on one place are one. */
export function drawEvents(ctx, times, at, y, { colors }, isChosen) {
  if (!times) return;
  const size = isChosen ? 4 : 3;
  let before = -Infinity;
  ctx.fillStyle = colors.text;
  ctx.strokeStyle = colors.bg;
  ctx.lineWidth = 1;
  for (const time of times) {
    const x = at(time);
    if (x - before < 2) continue;
    before = x;
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }
}

/** A row whose time is not seen: where it is, and what its time is. */
function drawAway(ctx, it, row, y, x0, width, isBefore) {
  const { rows, palette: { colors, fonts }, height } = it;
  const skewed = rows.flags[row] & SKEWED;
  const words = skewed ? 'clocks disagree: not computed' : timeOf(rows, row);
  const text = isBefore ? `◂ ${words}` : `${words} ▸`;
  ctx.font = fonts.label;
  ctx.fillStyle = skewed ? colors.warn : colors['text-3'];
  ctx.fillText(text, isBefore ? x0 + 6 : x0 + width - measure(ctx, fonts.label, text) - 6, y + height / 2 + 0.5);
  ctx.globalAlpha = 1;
}

function drawQueue(ctx, from, to, top, thick, { colors, patterns }, onPath) {
  const wide = Math.max(to - from, 1);
  rounded(ctx, from, top + 2, wide, thick - 4, 2);
  ctx.fillStyle = faded(colors['text-3'], 0.14);
  ctx.fill();
  ctx.fillStyle = onPath ? patterns.queuePath : patterns.queue;
  ctx.fill();
  ctx.strokeStyle = faded(colors['text-3'], 0.7);
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(from + 0.5, top);
  ctx.lineTo(from + 0.5, top + thick);
  ctx.stroke();
}

/** Says how long it took and waited: inside where there is room, else beside it. */
function drawWords(ctx, it, row, { left, right, queueLeft, middle, x0, width }) {
  const { rows, palette: { colors, fonts }, tree } = it;
  const font = fonts.label;
  ctx.font = font;
  const edge = x0 + width - 4;
  const seen = { left: Math.max(left, x0), right: Math.min(right, edge) };
  const queued = queuedOf(rows, row);
  const wait = rows.sparse.queued[row];
  // The column beside the tree says how long it took, unless there is no room for it.
  const own = rows.flags[row] & SKEWED ? 'not computed' : tree >= 330 && rows.hasTime(row) ? '' : timeOf(rows, row);
  let before = Math.max(Math.min(left, queueLeft), x0) - 6;
  let after = seen.right + 6;
  const word = (text, fill, { from, to }) => {
    const wide = measure(ctx, font, text);
    ctx.font = font;
    if (to - from > wide + 10) return plate(ctx, text, (from + to - wide) / 2, middle, wide, it.palette, fill);
    ctx.fillStyle = fill;
    if (after + wide < edge) { ctx.fillText(text, after, middle + 0.5); after += wide + 8; return undefined; }
    if (before - wide > x0) { ctx.fillText(text, before - wide, middle + 0.5); before -= wide + 8; }
    return undefined;
  };
  if (wait !== undefined && shows(it, wait)) word(`queued ${duration(wait)}`, colors.text, { from: Math.max(queueLeft, x0), to: seen.left });
  else if (wait === undefined && queued) word(queued, colors.warn, { from: 0, to: 0 });
  if (own) word(own, rows.isOpen(row) ? colors.open : rows.flags[row] & SKEWED ? colors.warn : colors['text-2'], { from: 0, to: 0 });
}

/** A wait is named if it is a good part of the time, or long. */
function shows({ rows, scale }, wait) {
  return wait >= 1e9 || wait >= Math.min(rows.end, scale.span) / 40;
}

function plate(ctx, text, x, middle, wide, { colors }, fill) {
  rounded(ctx, x - 5, middle - 8, wide + 10, 16, 4);
  ctx.fillStyle = faded(colors.surface, 0.92);
  ctx.fill();
  ctx.fillStyle = fill;
  ctx.fillText(text, x, middle + 0.5);
}

/** The parts of the critical path in a row, and where it comes from and goes to. */
function drawPath(ctx, it, row, y, at) {
  const { path, height, palette: { colors } } = it;
  const base = y + height - 3.5;
  for (const i of it.pathRows.get(row) ?? []) {
    const [from, to] = [at(path.start[i]), at(path.start[i] + path.duration[i])];
    ctx.fillStyle = colors.accent;
    ctx.fillRect(from, base, Math.max(to - from, 1.5), 2.5);
    const before = i > 0 ? it.placeOfStretch(i - 1) : -1;
    if (before >= 0 && before !== it.fold.place[row]) {
      const other = it.top(before) + height - 3.5;
      ctx.strokeStyle = colors.accent;
      ctx.lineWidth = 1.5;
      ctx.beginPath();
      ctx.moveTo(Math.round(from) + 0.5, Math.min(Math.max(other, -20), it.view + 20));
      ctx.lineTo(Math.round(from) + 0.5, base + 2);
      ctx.stroke();
    }
  }
}

/** Curves from the chosen row to the rows that it is related to. */
export function drawRelations(ctx, it, x0, width) {
  const { rows, selected, scale, palette: { colors, fonts }, height } = it;
  if (selected < 0 || it.fold.place[selected] < 0) return;
  const place = (row) => {
    const shown = it.fold.nearest(row);
    return { x: Math.min(Math.max(x0 + scale.x(rows.start[row], width), x0 + 2), x0 + width - 2), y: Math.min(Math.max(it.top(it.fold.place[shown]) + height / 2, -30), it.view + 30) };
  };
  const here = place(selected);
  for (const { row, type, outgoing } of it.relations(selected).slice(0, 40)) {
    if (it.fold.nearest(row) < 0) continue;
    const there = place(row);
    const color = type === 'dead_lettered.to' ? colors.bad : type === 'retry.of' ? colors.warn : colors.accent;
    // It bends to the left, as far as there is room.
    const room = Math.min(here.x, there.x) - x0 - 4;
    const bow = Math.min(Math.max(24, Math.min(90, Math.abs(here.y - there.y) / 2)), Math.max(room * 1.33, 8));
    ctx.strokeStyle = faded(color, 0.85);
    ctx.lineWidth = 1.5;
    ctx.setLineDash([5, 3]);
    ctx.beginPath();
    ctx.moveTo(here.x, here.y);
    ctx.bezierCurveTo(here.x - bow, here.y, there.x - bow, there.y, there.x, there.y);
    ctx.stroke();
    ctx.setLineDash([]);
    const tip = outgoing ? there : here;
    ctx.fillStyle = color;
    ctx.beginPath();
    ctx.moveTo(tip.x, tip.y);
    ctx.lineTo(tip.x - 7, tip.y - 4);
    ctx.lineTo(tip.x - 7, tip.y + 4);
    ctx.fill();
    const text = fitted(ctx, fonts.label, type.replaceAll('_', ' ').replace('.', ' '), 120);
    ctx.font = fonts.label;
    const wide = measure(ctx, fonts.label, text);
    // Where it would stand on the bars, the details say it.
    if (wide + 12 > room) continue;
    const [x, y] = [Math.max((here.x + there.x) / 2 - bow * 0.75 - wide / 2, x0 + 6), (here.y + there.y) / 2];
    rounded(ctx, x - 4, y - 8, wide + 8, 16, 4);
    ctx.fillStyle = colors.overlay;
    ctx.fill();
    ctx.fillStyle = color;
    ctx.fillText(text, x, y + 0.5);
  }
}
