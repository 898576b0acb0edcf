// Which rows of a long list are to be drawn.

/** The rows in view, `{first, last}` (inclusive), for a list of `count` rows of one height. */
export function rowsInView({ top, height, row, count }) {
  if (count === 0 || row <= 0) return { first: 0, last: -1 };
  const first = Math.min(count - 1, Math.max(0, Math.floor(top / row)));
  return { first, last: Math.min(count - 1, Math.max(first, Math.ceil((top + height) / row) - 1)) };
}

/** How many rows are drawn above and below those in view, so that a quick scroll shows no holes. */
export const AROUND = 8;

/** The rows to draw: those in view, and some around them. */
export function rowsToDraw(view, count, around = AROUND) {
  return { first: Math.max(0, view.first - around), last: Math.min(count - 1, view.last + around) };
}

/** Where to scroll so that a row is in view, or `null` if it is. A margin keeps it off the edges. */
export function scrollFor({ index, top, height, row, margin = 1 }) {
  const [from, to] = [(index - margin) * row, (index + 1 + margin) * row];
  if (from < top) return Math.max(0, from);
  if (to > top + height) return to - height;
  return null;
}

/** The share, 0 to 1, that a duration takes of a logarithmic scale that ends at `longest`. */
export function share(ms, longest) {
  if (!(ms > 0)) return 0;
  const low = Math.log10(0.05);
  const high = Math.log10(Math.max(longest, 0.5));
  return Math.min(1, Math.max(0.015, (Math.log10(ms) - low) / (high - low)));
}
