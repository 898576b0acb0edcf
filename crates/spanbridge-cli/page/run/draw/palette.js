// The colours, fonts and patterns of the style sheet, for canvas. Patterns tell kinds of time apart without colour.
import { HUES } from '../../lib/services.js';

const NAMES = ['bg', 'surface', 'raised', 'overlay', 'hover', 'chosen', 'line', 'line-strong', 'text', 'text-2', 'text-3', 'accent', 'accent-soft',
  'ok', 'bad', 'warn', 'open', 'wait', 'off', 'ok-soft', 'bad-soft', 'warn-soft', 'open-soft', 'wait-soft', 'off-soft'];

/** Reads the colours that hold for an element now. */
export function readPalette(element, ratio) {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  const colors = Object.fromEntries(NAMES.map((name) => [name, value(name)]));
  const hues = Array.from({ length: HUES }, (_, i) => value(`hue-${i}`));
  const size = Number.parseFloat(value('size-m')) || 13;
  const [sans, mono] = [value('sans'), value('mono')];
  const fonts = {
    name: `${size}px ${sans}`, strong: `600 ${size}px ${sans}`, small: `${size - 2}px ${sans}`, tiny: `700 ${size - 3}px ${mono}`,
    mono: `${size - 1}px ${mono}`, label: `500 ${size - 2}px ${sans}`, sign: `700 ${size - 1}px ${sans}`,
  };
  const isLight = luminance(colors.bg) > 0.5;
  return { colors, hues, fonts, size, isLight, ratio, patterns: patternsOf(colors, ratio, isLight) };
}

/** A colour with this opacity: `#rrggbb` and a part of 1. */
export function faded(color, opacity) {
  return `${color.slice(0, 7)}${Math.round(Math.min(Math.max(opacity, 0), 1) * 255).toString(16).padStart(2, '0')}`;
}

function luminance(color) {
  const part = (at) => Number.parseInt(color.slice(at, at + 2), 16) / 255 || 0;
  return 0.3 * part(1) + 0.6 * part(3) + 0.1 * part(5);
}

function patternsOf(colors, ratio, isLight) {
  const pattern = (size, paint) => {
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(size * ratio);
    canvas.height = Math.round(size * ratio);
    const ctx = canvas.getContext('2d');
    ctx.scale(canvas.width / size, canvas.height / size);
    paint(ctx, size);
    const made = ctx.createPattern(canvas, 'repeat');
    // A pattern is painted in pixels of the screen, so that lines stay sharp.
    made.setTransform(new DOMMatrix().scale(size / canvas.width, size / canvas.height));
    return made;
  };
  const dots = (color) => (ctx) => {
    ctx.fillStyle = color;
    for (const [x, y] of [[1, 1], [4, 4]]) ctx.fillRect(x, y, 1.6, 1.6);
  };
  const hatch = (color, width) => (ctx, size) => {
    ctx.strokeStyle = color;
    ctx.lineWidth = width;
    ctx.beginPath();
    for (const shift of [-size, 0, size]) { ctx.moveTo(shift - 1, size + 1); ctx.lineTo(shift + size + 1, -1); }
    ctx.stroke();
  };
  return {
    queue: pattern(6, dots(faded(colors['text-2'], 0.75))),
    queuePath: pattern(6, dots(colors.accent)),
    suspended: pattern(9, hatch(faded(colors.wait, 0.2), 1.2)),
    suspendedBar: pattern(6, hatch(colors.wait, 1.5)),
    failed: pattern(6, hatch(isLight ? '#ffffff70' : '#00000059', 1.6)),
  };
}
