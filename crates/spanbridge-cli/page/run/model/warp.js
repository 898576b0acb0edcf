// Time with long waits cut short: where nothing works for a good part of the run, the axis need not show it all.

/** If this part of a run is waiting, nothing else could be seen beside it. */
const MOST = 0.98;
/** A wait is cut if it is this part of the run or more, and is then this part of what is left. */
const LEAST = 0.08, LEFT = 0.1;

/** Maps times to places on an axis. Cut stretches take little room; all others are as long as they are. */
export class Warp {
  /** `cuts` are `[from, to]`, in order and apart. */
  constructor({ from, to }, cuts = []) {
    this.cuts = cuts;
    const busy = to - from - cuts.reduce((sum, [a, b]) => sum + b - a, 0);
    this.times = [from];
    this.places = [from];
    this.each = cuts.map(([a, b]) => Math.min(b - a, Math.max(busy, 1) * LEFT));
    const add = (time, length) => {
      this.places.push(this.places.at(-1) + length);
      this.times.push(time);
    };
    cuts.forEach(([a, b], i) => {
      add(a, a - this.times.at(-1));
      add(b, this.each[i]);
    });
    add(to, to - this.times.at(-1));
  }

  /** The place of a time. */
  place(time) {
    return map(time, this.times, this.places);
  }

  /** The time at a place. */
  time(place) {
    return map(place, this.places, this.times);
  }
}

/** Straight between the known points; beyond them one to one. */
function map(value, from, to) {
  if (value <= from[0]) return to[0] + (value - from[0]);
  const end = from.length - 1;
  if (value >= from[end]) return to[end] + (value - from[end]);
  let low = 0;
  let high = end;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle] <= value) low = middle;
    else high = middle;
  }
  const length = from[high] - from[low];
  return length > 0 ? to[low] + ((value - from[low]) / length) * (to[high] - to[low]) : to[high];
}

/** Whether nearly all of the time lies in these waits. */
export function isMostlyWaiting({ bounds }, waits) {
  return waits.reduce((sum, [from, to]) => sum + to - from, 0) > MOST * (bounds.to - bounds.from);
}

/** The long stretches of a run in which no span works: nothing is recorded, or the run is suspended. */
export function longWaits(rows, suspensions) {
  const { bounds, count } = rows;
  const least = (bounds.to - bounds.from) * LEAST;
  const order = Array.from({ length: count }, (_, row) => row).filter((row) => rows.start[row] >= bounds.from && rows.start[row] <= bounds.to);
  order.sort((a, b) => rows.start[a] - rows.start[b]);
  const waits = [];
  let until = bounds.from;
  for (const row of order) {
    if (rows.start[row] - until >= least) waits.push([until, rows.start[row]]);
    // One without an end is not known to work all the time.
    until = Math.max(until, rows.isOpen(row) ? rows.start[row] : rows.endOf(row));
  }
  // While the run is suspended, a span that goes on waits, too, unless another begins.
  const starts = Float64Array.from(order, (row) => rows.start[row]);
  for (const [from, to] of suspensions) {
    if (to - from < least) continue;
    const first = starts.findIndex((start) => start > from);
    if (first < 0 || starts[first] >= to) waits.push([from, Math.min(to, bounds.to)]);
  }
  waits.sort((a, b) => a[0] - b[0]);
  const apart = [];
  for (const [from, to] of waits) {
    if (apart.length > 0 && from <= apart.at(-1)[1]) apart.at(-1)[1] = Math.max(apart.at(-1)[1], to);
    else if (to > from) apart.push([from, to]);
  }
  return apart;
}
