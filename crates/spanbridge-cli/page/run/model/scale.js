// The time axis: which time is shown, where a time is, and where the ticks are.
import { Warp } from './warp.js';

/** How much room is left around everything, as parts of its length. */
const BEFORE = 0.008, BEHIND = 0.035, BEYOND = 0.06;
/** The shortest stretch that is shown, in nanoseconds. */
const SHORTEST = 100;

/** What is shown of the time of a run. `bounds` is all there is: `{from, to}`, in nanoseconds since the origin. */
export class Scale {
  constructor({ from, to }) {
    this.bounds = { from, to: Math.max(to, from + 1) };
    this.cut([]);
  }

  /** Cuts these stretches short, and shows everything. */
  cut(stretches) {
    this.warp = new Warp(this.bounds, stretches);
    this.low = this.warp.place(this.bounds.from);
    this.length = this.warp.place(this.bounds.to) - this.low;
    this.fit();
  }

  get cuts() {
    return this.warp.cuts;
  }

  /** Shows everything, with a little room around it. */
  fit() {
    this.from = this.low - this.length * BEFORE;
    this.to = this.low + this.length * (1 + BEHIND);
  }

  /** Whether everything is shown. */
  get isWhole() {
    return this.from <= this.low && this.to >= this.low + this.length;
  }

  /** How long what is shown is, without what is cut. */
  get span() {
    return this.to - this.from;
  }

  /** The place of a time in a width. */
  x(time, width) {
    return ((this.warp.place(time) - this.from) / this.span) * width;
  }

  /** The time at a place. */
  time(x, width) {
    return this.warp.time(this.from + (x / width) * this.span);
  }

  /** Where a time is in all there is, as a part of its length; and back. */
  part(time) {
    return (this.warp.place(time) - this.low) / this.length;
  }
  timeAt(part) {
    return this.warp.time(this.low + part * this.length);
  }

  /** What is shown, as parts of all there is. */
  get window() {
    return [(this.from - this.low) / this.length, (this.to - this.low) / this.length];
  }

  /** Shows these parts of all there is. */
  showWindow([from, to]) {
    this.#show(this.low + from * this.length, this.low + to * this.length);
  }

  /** Whether something of this stretch is shown. */
  sees(from, to) {
    return this.warp.place(to) >= this.from && this.warp.place(from) <= this.to;
  }

  /** Shows what lies between these times. */
  show(from, to) {
    this.#show(this.warp.place(from), this.warp.place(to));
  }

  /** Moves so that this time is at a part of what is shown. */
  moveTo(time, part) {
    const at = this.warp.place(time);
    this.#show(at - part * this.span, at + (1 - part) * this.span);
  }

  /** Kept inside what there is, and no shorter than what can be told apart. */
  #show(from, to) {
    const room = this.length * BEYOND;
    const span = Math.min(Math.max(to - from, SHORTEST), this.length + 2 * room);
    const middle = (from + to) / 2;
    this.from = Math.min(Math.max(middle - span / 2, this.low - room), this.low + this.length + room - span);
    this.to = this.from + span;
  }

  /** Zooms around a time, which stays where it is. Above 1 shows less. */
  zoom(by, around) {
    const at = around === undefined ? (this.from + this.to) / 2 : Math.min(Math.max(this.warp.place(around), this.from), this.to);
    const span = Math.min(Math.max(this.span / by, SHORTEST), this.length * (1 + 2 * BEYOND));
    const part = (at - this.from) / this.span;
    this.#show(at - part * span, at + (1 - part) * span);
  }

  /** Moves by a part of what is shown. */
  pan(by) {
    const shift = this.span * by;
    this.#show(this.from + shift, this.to + shift);
  }

  /** Shows this stretch with some room around it. */
  around(from, to) {
    const [a, b] = [this.warp.place(from), this.warp.place(to)];
    const room = Math.max((b - a) * 0.15, SHORTEST / 2);
    this.#show(a - room, b + room);
  }
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const LONG = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

/** The distance of ticks, in nanoseconds, so that at most `most` are in this span. */
export function stepOf(span, most) {
  const least = span / Math.max(most, 1);
  for (const unit of [1, 1e3, 1e6]) for (const step of STEPS) if (step * unit >= least) return step * unit;
  for (const step of LONG) if (step * 1e9 >= least) return step * 1e9;
  const days = least / 86400e9;
  const power = 10 ** Math.floor(Math.log10(days));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= days) * 86400e9;
}

/** The ticks of a scale: `{time, text}`, counted from where the run begins. Every text has the unit of the step. Cut stretches have none. */
export function ticks(scale, most) {
  const step = stepOf(scale.span, most);
  const zero = scale.bounds.from;
  const out = [];
  const [from, to] = [scale.time(0, 1), scale.time(1, 1)];
  let at = Math.max(zero, from);
  const stretch = (end) => {
    for (let n = Math.max(0, Math.ceil((at - zero) / step)); zero + n * step <= end && out.length < 200; n += 1) {
      out.push({ time: zero + n * step, text: offset(n * step, step) });
    }
  };
  for (const [a, b] of scale.cuts) {
    if (b < at) continue;
    stretch(Math.min(a, to));
    at = Math.max(at, b);
  }
  stretch(to);
  return out;
}

/** A time since the origin in the unit of a step: `1.5 s`, `2h 30m`. */
export function offset(time, step) {
  if (time === 0) return '0';
  const units = [['ns', 1], ['µs', 1e3], ['ms', 1e6], ['s', 1e9]];
  const fraction = () => {
    const [unit, size] = units.findLast(([, size]) => size <= time) ?? units[0];
    const digits = Math.min(Math.max(0, Math.ceil(Math.log10(size / step) - 1e-9)), 9);
    return `${(time / size).toFixed(digits)} ${unit}`;
  };
  if (time < 60e9) return fraction();
  const all = time / 1e9;
  const s = step < 1e9 ? Math.floor(all) : Math.round(all);
  const digits = step < 1e9 ? Math.min(Math.max(0, Math.ceil(Math.log10(1e9 / step) - 1e-9)), 9) : 0;
  const seconds = digits > 0 ? (s % 60 + all - s).toFixed(digits) : s % 60;
  const parts = [['d', Math.floor(s / 86400)], ['h', Math.floor(s / 3600) % 24], ['m', Math.floor(s / 60) % 60], ['s', seconds]];
  return parts.filter(([, n]) => Number(n) > 0).slice(0, digits > 0 ? 4 : 3).map(([unit, n]) => `${n}${unit}`).join(' ');
}
