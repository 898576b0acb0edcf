// When the run waited for something outside.
import { millis } from '../../lib/time.js';

/** The suspensions as `[from, to, reason, isOpen]`, in nanoseconds since the origin. One whose clocks disagree has no place. */
export function suspensionsOf(rows) {
  const out = [];
  for (const { suspendedAt, resumedAt, reason } of rows.run.suspensions) {
    if (!suspendedAt) continue;
    const from = since(rows.origin, suspendedAt);
    const to = resumedAt ? since(rows.origin, resumedAt) : Math.max(rows.end, from);
    if (to >= from) out.push([from, to, reason ?? '', !resumedAt]);
  }
  return out;
}

/** The nanoseconds between two RFC 3339 times with nine digits of a second. */
export function since(origin, time) {
  const fraction = (text) => Number(text.slice(20, 29));
  const seconds = (text) => millis(`${text.slice(0, 19)}Z`) * 1e6;
  return seconds(time) - seconds(origin) + fraction(time) - fraction(origin);
}
