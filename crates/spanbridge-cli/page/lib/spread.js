// Steps of a path on one time line.

/** Nanoseconds after the first step, of RFC 3339 times with nanoseconds. */
function nanos(time, origin) {
  return (Date.parse(`${time.slice(0, 19)}Z`) - Date.parse(`${origin.slice(0, 19)}Z`)) * 1e6 + Number(time.slice(20, 29)) - Number(origin.slice(20, 29));
}

/**
 * Where each step lies between the beginning of the first and the end of the last, `{left, width}` in percent. A step that came through
 * a queue has `wait`, too: from the end of what sent it to its beginning, which earlier attempts may fill. `null` if that says
 * nothing: a single step, or a step that began before what caused it, because clocks disagree.
 */
export function spread(path) {
  if (path.length < 2) return null;
  const origin = path[0].startedAt;
  const starts = path.map((step) => nanos(step.startedAt, origin));
  if (starts.some((at, i) => i > 0 && at < starts[i - 1])) return null;
  const ends = path.map((step, i) => starts[i] + (step.durationMs ?? 0) * 1e6);
  const whole = Math.max(...ends);
  if (!(whole > 0)) return null;
  return path.map((step, i) => {
    const left = (100 * starts[i]) / whole;
    const end = step.durationMs === undefined ? whole : ends[i];
    const bar = { left: Math.min(left, 99.4), width: Math.max(0.6, (100 * (end - starts[i])) / whole) };
    const sent = i > 0 && step.hop === 'queue' && path[i - 1].durationMs !== undefined ? ends[i - 1] : starts[i];
    if (sent < starts[i]) bar.wait = { left: (100 * sent) / whole, width: (100 * (starts[i] - sent)) / whole };
    return bar;
  });
}
