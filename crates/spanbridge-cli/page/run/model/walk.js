// Where keys go: to parents, children, siblings, errors, findings and matches.
import { attributesLine } from '../../lib/text.js';

/** The first row after `from` in a sorted list, or before it; round the end. -1 if the list is empty. */
export function nextIn(list, from, by) {
  if (list.length === 0) return -1;
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < from || (by > 0 && list[middle] === from)) low = middle + 1;
    else high = middle;
  }
  const at = by > 0 ? low : low - 1;
  return list[(at + list.length) % list.length];
}

/** The first row below this one, or -1. */
export function firstChild(rows, row) {
  return rows.next[row] > row + 1 ? row + 1 : -1;
}

/** The sibling after a row, or before it; -1 if there is none. */
export function sibling(rows, row, by) {
  if (by > 0) {
    const next = rows.next[row];
    return next < rows.count && rows.parent[next] === rows.parent[row] ? next : -1;
  }
  const above = rows.parent[row];
  let before = row - 1;
  if (before <= above || before < 0) return -1;
  while (rows.parent[before] !== above) before = rows.parent[before];
  return before;
}

/** How many siblings a row has with itself, and which it is, from 1: for screen readers. Looks at no more than `limit`. */
export function position(rows, row, limit = 5000) {
  let [at, count] = [1, 1];
  for (let other = sibling(rows, row, -1); other >= 0 && at < limit; other = sibling(rows, other, -1)) at += 1;
  for (let other = sibling(rows, row, 1); other >= 0 && count < limit; other = sibling(rows, other, 1)) count += 1;
  return { at, of: at + count - 1 };
}

/**
 * The rows whose name, service, kind of step, queue, error or id has all these words. Names are compared once each. The attributes of the run
 * belong to its first row.
 */
export function matches(rows, text) {
  const words = wordsOf(text);
  if (words.length === 0) return [];
  const { tables, sparse } = rows;
  const attributes = attributeLines(rows.run);
  const found = words.map((word) => {
    const of = (table) => Uint8Array.from(table, (one) => (one.toLowerCase().includes(word) ? 1 : 0));
    return {
      word, isId: /^[0-9a-f]{4,16}$/.test(word), names: of(tables.names), services: of(tables.services), primitives: of(tables.primitives),
      destinations: of(tables.destinations), errors: of(tables.errors), statuses: of(tables.statuses), isOfRun: attributes.some((line) => line.toLowerCase().includes(word)),
    };
  });
  const out = [];
  for (let row = 0; row < rows.count; row += 1) {
    const every = found.every((of) => of.names[rows.name[row]] || of.services[rows.service[row]] || of.primitives[rows.primitive[row]]
      || of.statuses[rows.status[row]] && rows.status[row] !== 0 || of.destinations[sparse.destination[row]] || of.errors[sparse.error[row]]
      || sparse.handoff[row]?.includes(of.word) || (of.isId && rows.ids[row].startsWith(of.word)) || (row === 0 && of.isOfRun));
    if (every) out.push(row);
  }
  return out;
}

/** The attributes of the run that have one of these words, as `key=value`. */
export function attributesWith(rows, text) {
  const words = wordsOf(text);
  return attributeLines(rows.run).filter((line) => words.some((word) => line.toLowerCase().includes(word)));
}

function wordsOf(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

function attributeLines({ attributes }) {
  return Object.entries(attributes ?? {}).map((pair) => attributesLine([pair], Infinity));
}
