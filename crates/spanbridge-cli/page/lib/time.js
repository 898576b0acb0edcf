// Durations and times as people read them: the same words as on the command line.

const UNITS = [['ns', 1], ['µs', 1e3], ['ms', 1e6], ['s', 1e9]];

/** A length of time, in nanoseconds: three digits and a unit (`12.3 ms`), or the two largest units (`1m 02s`). */
export function duration(nanos) {
  for (const [unit, size] of UNITS) {
    const limit = unit === 's' ? 59.95e9 : size * 1000 - size / 2;
    if (nanos >= limit) continue;
    if (size === 1) return `${Math.round(nanos)} ns`;
    const value = nanos / size;
    return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
  }
  const seconds = Math.round(nanos / 1e9);
  const two = (n) => String(n).padStart(2, '0');
  const [m, h, d] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86400)];
  if (h === 0) return `${m}m ${two(seconds % 60)}s`;
  if (d === 0) return `${h}h ${two(m % 60)}m`;
  return d < 1000 ? `${d}d ${two(h % 24)}h` : `${d}d`;
}

/** A length of time in milliseconds, as JSON has it. */
export function durationMs(ms) {
  return duration(ms * 1e6);
}

/** Milliseconds since the Unix epoch, of an RFC 3339 time with nanoseconds. */
export function millis(time) {
  return Date.parse(time.length > 24 ? `${time.slice(0, 23)}Z` : time);
}

/** How long ago, in one unit. `in the future` if clocks disagree by more than a second. */
export function ago(then, now = Date.now()) {
  if (then > now + 1000) return 'in the future';
  const s = Math.max(0, Math.floor((now - then) / 1000));
  if (s === 0) return 'just now';
  if (s < 120) return `${s}s ago`;
  if (s < 7200) return `${Math.floor(s / 60)}m ago`;
  if (s < 172800) return `${Math.floor(s / 3600)}h ago`;
  return `${Math.floor(s / 86400)}d ago`;
}

const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

/** The time of an RFC 3339 text in the reader's time zone and in UTC, to the microsecond: for titles. */
export function exact(time) {
  return `${LOCAL.format(millis(time))}\n${time.slice(0, 10)} ${time.slice(11, 26)} UTC`;
}

/** The time of day in the reader's time zone: `14:03:07`. */
export function clock(time) {
  return new Date(millis(time)).toLocaleTimeString('en-GB');
}
