// The whole run in a strip: which times and rows are seen, and where errors are.
import { faded } from './palette.js';

/** Above this many rows, lines would cover each other: then it shows how much goes on. */
const MAX_LINES = 4000;
/** How much of the strip is used: 1 is all of it. */
const ROOM = 1.01;

/** Draws the run without what is seen of it. This is kept until the run or the place changes. */
export function drawWhole(canvas, it, width, height) {
  const ratio = it.palette.ratio;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const ctx = canvas.getContext('2d');
  if (it.fold.count > MAX_LINES) drawCoverage(ctx, it, canvas.width, canvas.height);
  else drawLines(ctx, it, canvas.width, canvas.height);
  drawErrors(ctx, it, canvas.width, canvas.height);
}

function drawLines(ctx, it, width, height) {
  const { rows, fold, palette: { hues, colors, ratio } } = it;
  const whole = wholeOf(it);
  const thick = Math.max(ratio, Math.min(4 * ratio, height / Math.max(fold.count, 1) - ratio / 2));
  for (let place = 0; place < fold.count; place += 1) {
    const row = fold.shown[place];
    const y = (place / Math.max(fold.count, 8)) * height;
    const x = whole(rows.start[row]) * width;
    const wait = rows.sparse.queued[row];
    if (wait !== undefined) {
      const from = whole(rows.start[row] - wait) * width;
      ctx.fillStyle = faded(colors['text-3'], 0.5);
      ctx.fillRect(from, y + thick / 4, x - from, Math.max(thick / 2, 1));
    }
    ctx.fillStyle = rows.isError(row) ? colors.bad : hues[rows.hueOf(row)];
    ctx.fillRect(x, y, Math.max(ratio, whole(rows.endOf(row)) * width - x), thick);
  }
}

/** How many rows go on at each time, in lanes of many rows. Takes time for rows and pixels, not for their product. */
function drawCoverage(ctx, it, width, height) {
  const { rows, fold, palette: { colors, isLight } } = it;
  const whole = wholeOf(it);
  const change = new Int32Array(height * (width + 1));
  for (let place = 0; place < fold.count; place += 1) {
    const row = fold.shown[place];
    const lane = Math.min(height - 1, Math.floor((place / fold.count) * height)) * (width + 1);
    const from = Math.max(0, Math.min(width - 1, Math.floor(whole(rows.start[row]) * width)));
    const to = Math.max(from + 1, Math.min(width, Math.ceil(whole(rows.endOf(row)) * width)));
    change[lane + from] += 1;
    change[lane + to] -= 1;
  }
  const most = Math.log2(1 + fold.count / height);
  const image = ctx.createImageData(width, height);
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colors.accent.slice(at, at + 2), 16));
  for (let y = 0; y < height; y += 1) {
    let going = 0;
    for (let x = 0; x < width; x += 1) {
      going += change[y * (width + 1) + x];
      if (going === 0) continue;
      const at = 4 * (y * width + x);
      image.data[at] = r; image.data[at + 1] = g; image.data[at + 2] = b;
      image.data[at + 3] = (isLight ? 75 : 85) + 170 * Math.min(1, Math.log2(1 + going) / Math.max(most, 1));
    }
  }
  ctx.putImageData(image, 0, 0);
}

function drawErrors(ctx, it, width, height) {
  const { rows, palette: { colors, ratio } } = it;
  const whole = wholeOf(it);
  ctx.fillStyle = colors.bad;
  let last = -1;
  for (const row of rows.errors) {
    const x = Math.round(whole(rows.start[row]) * width);
    if (x === last) continue;
    last = x;
    ctx.beginPath();
    ctx.moveTo(x, height - 5 * ratio);
    ctx.lineTo(x + 3.5 * ratio, height);
    ctx.lineTo(x - 3.5 * ratio, height);
    ctx.fill();
  }
}

/** Draws the strip: the whole, and over it what is seen. */
export function drawMinimap(ctx, it, whole, width, height) {
  const { palette: { colors }, scale, fold } = it;
  ctx.drawImage(whole, 0, 0, width, height);
  const of = wholeOf(it);
  const [left, right] = [Math.max(0, (scale.window[0] / ROOM) * width), Math.min(width, (scale.window[1] / ROOM) * width)];
  const shade = faded(colors.bg, 0.62);
  ctx.fillStyle = shade;
  ctx.fillRect(0, 0, left, height);
  ctx.fillRect(right, 0, width - right, height);
  const all = Math.max(fold.count, 8) * it.height;
  const top = (it.scroll / all) * height;
  const tall = Math.max(4, (Math.min(it.view, fold.count * it.height) / all) * height);
  if (fold.count * it.height > it.view || !scale.isWhole) {
    ctx.strokeStyle = colors.accent;
    ctx.lineWidth = 1;
    ctx.fillStyle = faded(colors.accent, 0.1);
    ctx.fillRect(left, top, right - left, tall);
    ctx.strokeRect(left + 0.5, Math.min(top, height - tall) + 0.5, Math.max(right - left - 1, 2), tall - 1);
  }
  if (it.selected >= 0) {
    ctx.fillStyle = colors.text;
    ctx.fillRect(Math.round(of(it.rows.start[it.selected]) * width), 0, 1.5, height);
  }
  if (it.sweep) {
    const [a, b] = [Math.min(...it.sweep), Math.max(...it.sweep)];
    ctx.fillStyle = faded(colors.accent, 0.25);
    ctx.fillRect(a, 0, b - a, height);
  }
}

/** Where a time is in the strip, as a part of its width; and back. */
export function wholeOf({ scale }) {
  return (time) => scale.part(time) / ROOM;
}
export function timeInWhole(scale, part) {
  return scale.timeAt(part * ROOM);
}
