// All rows that are seen, and what lies behind and above them: the grid, suspensions, the pointer.
import { drawTree } from './tree.js';
import { drawBar, drawRelations } from './bars.js';
import { fitted, measure, rounded } from './surface.js';
import { faded } from './palette.js';
import { offset, stepOf, ticks } from '../model/scale.js';
import { ON_PATH } from '../model/rows.js';
import { duration } from '../../lib/time.js';
import { visible } from '../../lib/text.js';

/** Draws the rows. `it` is what the view knows: see `View.scene`. */
export function drawRows(ctx, it, width, height) {
  const { rows, fold, palette: { colors } } = it;
  const split = it.tree;
  const bars = it.dense ? 0 : width - split;
  if (fold.count === 0) {
    ctx.font = it.palette.fonts.name;
    ctx.fillStyle = colors['text-2'];
    ctx.fillText('No span of this run is recorded.', 20, 28);
    return;
  }
  const first = Math.max(0, Math.floor(it.scroll / it.height));
  const last = Math.min(fold.count - 1, Math.ceil((it.scroll + height) / it.height));
  const selectedPlace = it.selected >= 0 ? fold.place[it.selected] : -1;
  for (let place = first; place <= last; place += 1) {
    const y = it.top(place);
    if (place === selectedPlace) ctx.fillStyle = colors.chosen;
    else if (place === it.hovered) ctx.fillStyle = colors.hover;
    else if (place % 2) ctx.fillStyle = faded(colors['text-3'], 0.035);
    else continue;
    ctx.fillRect(0, y, width, it.height);
  }
  if (bars > 0) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(split, 0, bars, height);
    ctx.clip();
    drawGrid(ctx, it, split, bars, height);
    for (let place = first; place <= last; place += 1) {
      const row = fold.shown[place];
      drawBar(ctx, it, row, it.top(place), split, bars, it.pathOn && !isOnPath(it, row));
    }
    drawRelations(ctx, it, split, bars);
    ctx.restore();
  }
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, 0, split, height);
  ctx.clip();
  for (let place = first; place <= last; place += 1) {
    const row = fold.shown[place];
    drawTree(ctx, it, row, it.top(place), split, it.pathOn && !isOnPath(it, row));
  }
  ctx.restore();
  if (selectedPlace >= 0) {
    ctx.fillStyle = colors.accent;
    ctx.fillRect(0, it.top(selectedPlace), 3, it.height);
    if (it.focused) {
      ctx.strokeStyle = faded(colors.accent, 0.8);
      ctx.lineWidth = 1;
      ctx.strokeRect(0.5, it.top(selectedPlace) + 0.5, width - 1, it.height - 1);
    }
  }
  if (bars > 0) {
    ctx.fillStyle = colors.line;
    ctx.fillRect(split - 0.5, 0, 1, height);
    if (it.pointer > split) {
      ctx.fillStyle = faded(colors['text-3'], 0.6);
      ctx.fillRect(Math.round(it.pointer), 0, 1, height);
    }
  }
}

function isOnPath(it, row) {
  return (it.rows.flags[row] & ON_PATH) !== 0 || it.pathRows?.has(row);
}

function drawGrid(ctx, it, x0, width, height) {
  const { scale, palette: { colors, patterns } } = it;
  ctx.fillStyle = faded(colors['line-strong'], 0.35);
  for (const { time } of ticks(scale, width / 110)) ctx.fillRect(Math.round(x0 + scale.x(time, width)), 0, 1, height);
  for (const [from, to] of scale.cuts) drawTear(ctx, x0 + scale.x(from, width), x0 + scale.x(to, width), height, colors);
  for (const [from, to] of it.suspensions) {
    const [a, b] = [Math.max(x0, x0 + scale.x(from, width)), Math.min(x0 + width, x0 + scale.x(to, width))];
    if (b - a < 1) continue;
    ctx.fillStyle = patterns.suspended;
    ctx.fillRect(a, 0, b - a, height);
    ctx.fillStyle = faded(colors.wait, 0.5);
    ctx.fillRect(a, 0, 1, height);
    ctx.fillRect(b - 1, 0, 1, height);
  }
}

/** The edges of a stretch that is cut short are torn. */
function drawTear(ctx, from, to, height, colors) {
  ctx.fillStyle = faded(colors['line-strong'], 0.28);
  ctx.fillRect(from, 0, to - from, height);
  ctx.strokeStyle = faded(colors['text-3'], 0.7);
  ctx.lineWidth = 1;
  for (const x of [from, to]) {
    ctx.beginPath();
    for (let y = 0; y <= height + 6; y += 6) ctx.lineTo(x + (y % 12 === 0 ? -2.5 : 2.5), y);
    ctx.stroke();
  }
}

/** Draws the time axis: ticks, below them suspensions by their reasons, and the time at the pointer. */
export function drawAxis(ctx, it, width, height) {
  const { scale, palette: { colors, fonts } } = it;
  const [x0, wide] = [it.tree, width - it.tree];
  ctx.font = fonts.small;
  ctx.save();
  ctx.beginPath();
  ctx.rect(x0, 0, wide, height.all);
  ctx.clip();
  const middle = height.ticks / 2 + 0.5;
  for (const { time, text } of ticks(scale, wide / 110)) {
    const x = Math.round(x0 + scale.x(time, wide));
    ctx.fillStyle = faded(colors['line-strong'], 0.8);
    ctx.fillRect(x, 0, 1, height.all);
    ctx.fillStyle = colors['text-2'];
    ctx.font = fonts.small;
    // A stretch that is cut short says itself how long it is.
    const end = x + 8 + measure(ctx, fonts.small, text);
    const isCovered = scale.cuts.some(([from, to]) => x0 + scale.x(from, wide) < end && x < x0 + scale.x(to, wide));
    if (!isCovered && end <= x0 + wide) ctx.fillText(text, x + 5, middle);
  }
  for (const [from, to] of scale.cuts) {
    const [a, b] = [x0 + scale.x(from, wide), x0 + scale.x(to, wide)];
    drawTear(ctx, a, b, height.all, colors);
    const text = fitted(ctx, fonts.label, duration(to - from), b - a - 8);
    ctx.font = fonts.label;
    ctx.fillStyle = colors.text;
    ctx.fillText(text, (a + b - measure(ctx, fonts.label, text)) / 2, middle);
  }
  drawSuspensions(ctx, it, x0, wide, height);
  if (it.pointer > x0) {
    const time = scale.time(it.pointer - x0, wide) - scale.bounds.from;
    const text = time < 0 ? 'before it began' : offset(time, Math.max(stepOf(scale.span, wide / 2), 1));
    const room = measure(ctx, fonts.label, text) + 12;
    const x = Math.min(it.pointer + 1, x0 + wide - room);
    rounded(ctx, x, 2, room, height.ticks - 4, 4);
    ctx.fillStyle = colors.text;
    ctx.fill();
    ctx.font = fonts.label;
    ctx.fillStyle = colors.bg;
    ctx.fillText(text, x + 6, middle);
  }
  ctx.restore();
}

/** Says below the ticks when the run was suspended, and why. Words that are longer than their stretch go on beside it, where there is room. */
function drawSuspensions(ctx, it, x0, wide, height) {
  const { scale, suspensions, palette: { colors, fonts } } = it;
  const middle = (height.ticks + height.all) / 2 - 1;
  const places = suspensions.map(([from, to]) => [Math.max(x0, x0 + scale.x(from, wide)), Math.min(x0 + wide, x0 + scale.x(to, wide))]);
  let free = x0 + 2;
  suspensions.forEach(([from, to, reason, isOpen], i) => {
    const [a, b] = places[i];
    if (b <= x0 || a >= x0 + wide) return;
    const end = Math.max(b, places.slice(i + 1).find(([c]) => c >= b)?.[0] ?? x0 + wide) - 2;
    const words = `‖ suspended ${isOpen ? 'since then' : duration(to - from)}${reason ? `: ${visible(reason)}` : ''}`;
    const text = fitted(ctx, fonts.label, words, end - free - 10) || '‖';
    const room = measure(ctx, fonts.label, text) + 10;
    const left = Math.max(free, Math.min(room <= b - a ? (a + b - room) / 2 : a, end - room));
    free = left + room + 2;
    rounded(ctx, left, height.ticks, room, height.all - height.ticks - 3, 4);
    ctx.fillStyle = colors.surface;
    ctx.fill();
    ctx.fillStyle = colors['wait-soft'];
    ctx.fill();
    ctx.font = fonts.label;
    ctx.fillStyle = colors.wait;
    ctx.fillText(text, left + 5, middle);
  });
}
