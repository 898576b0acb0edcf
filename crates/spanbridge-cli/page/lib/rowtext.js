// Rows of databases that were changed, in words: the same as on the command line.
import { named, visible } from './text.js';

/** So many columns are told in one line, and so many characters of a value. */
const [FEW, SHORT] = [6, 40];

/** A value in words. A text is in quotes, as in SQL, so that it can be told from a number and from `null`; bytes are hexadecimal. What was cut has `…` behind it. */
export function rowValue(value, most = Infinity) {
  if (typeof value === 'string') return quoted(value, most, false);
  if (value !== null && typeof value === 'object') {
    if (typeof value.cut === 'string') return quoted(value.cut, most, true);
    if (typeof value.hex === 'string') return `0x${value.hex}${value.bytes === undefined ? '' : '…'}`;
    return JSON.stringify(value);
  }
  return String(value);
}

function quoted(text, most, isCut) {
  const all = most === Infinity ? text : [...text.slice(0, 2 * most + 2)].slice(0, most).join('');
  return `'${all.replaceAll("'", "''")}'${isCut || all.length < text.length ? '…' : ''}`;
}

/** A key as on the command line: `a=1,b=2`. */
export function keyText(key) {
  return Object.entries(key).map(([column, value]) => `${column}=${typeof value === 'string' ? value : rowValue(value)}`).join(',');
}

/** The table and the key. */
export function rowName({ table, key }) {
  const text = keyText(key);
  return text === '' ? table : `${table} ${text}`;
}

/** What became of each column, as `[column, words]`: also where the values before were learned from an earlier change. */
export function columnsOf({ mutation, changed }) {
  const { op, before } = mutation;
  if (op === 'delete') return Object.entries(before ?? {}).map(([column, value]) => [column, rowValue(value)]);
  return changed.map((one) => {
    const [old, now] = [one.before, one.after].map((value) => (value === undefined ? null : rowValue(value)));
    if (op === 'insert') return [one.column, now ?? '(not captured)'];
    return [one.column, old === null && now === null ? '(not captured)' : `${old ?? '(not known)'} → ${now ?? '(not captured)'}`];
  });
}

/** What was done, in one line: `status 'new' → 'paid'`. */
export function changeText(change) {
  const { op, before } = change.mutation;
  if (op === 'truncate') return 'all rows removed';
  const short = (value) => (value === undefined ? null : rowValue(value, SHORT));
  const gone = Object.entries(before ?? {}).map(([column, value]) => `${column} ${short(value)}`);
  const all = op === 'delete' ? gone : change.changed.map((one) => {
    const [old, now] = [short(one.before), short(one.after)];
    if (op === 'insert') return now === null ? one.column : `${one.column} ${now}`;
    if (now === null) return `${one.column} changed`;
    return old === null ? `${one.column} → ${now}` : `${one.column} ${old} → ${now}`;
  });
  const few = all.slice(0, FEW).join(', ') + (all.length > FEW ? `, and ${all.length - FEW} more` : '');
  if (op === 'insert') return few ? `inserted with ${few}` : 'inserted';
  if (op === 'delete') return few ? `deleted with ${few}` : 'deleted';
  return few || 'written with the same values';
}

/** Who wrote it, in plain text. */
export function writerText({ writer, service }) {
  if (!writer) return service ? `unknown writer, recorded by ${visible(service)}` : 'unknown writer';
  const name = writer.spanName !== undefined ? named(writer.spanName) : writer.spanId ? `span ${writer.spanId}, which is not recorded` : 'a span that is not known';
  return `${visible(name)}${service ? ` (${visible(service)})` : ''} in ${visible(named(writer.runName))} ${writer.runId.slice(0, 8)}`;
}

/** The address of the view of a row. */
export function placeOfRow({ database, table, key }) {
  return `/row?${new URLSearchParams({ table, key: JSON.stringify(key), database })}`;
}

/** What is said of a transaction that was rolled back. */
export const UNDONE = 'nothing that it wrote is in the database';
