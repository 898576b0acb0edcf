// What the list is asked for: in the address, in the words of the search box, and in the query of the server. All three have one form.
import { millis } from './time.js';

/** Parameters of the address, which are those of `GET /api/v1/runs`. `attribute` may repeat. */
export const PARAMS = ['status', 'service', 'name', 'attribute', 'error', 'since', 'until', 'minDuration', 'children', 'sort'];

/** Words that the search box understands in front of a colon, and the parameter of each. */
const WORDS = {
  __proto__: null,
  status: 'status', is: 'status', service: 'service', name: 'name', attribute: 'attribute', attr: 'attribute', error: 'error',
  since: 'since', until: 'until', min: 'minDuration', minduration: 'minDuration', sort: 'sort',
};

/** What the search box understands, as help says it. */
export const SEARCH_HELP = [
  ['checkout', 'in the name'], ['service:billing', 'a service that worked on it'], ['status:error', 'failed, or work of it did'], ['error:"card declined"', 'text in an error'],
  ['order.id=17  attr:order.id', 'an attribute; or only its key'], ['min:250ms', 'took this long or longer'], ['since:2h  until:1h', 'when it began'], ['sort:longest', 'what comes first'],
];

export const SORTS = ['newest', 'oldest', 'longest', 'errors', 'spans'];

/** The filters of an address: `{status, service, …, attribute: [], sort}`; absent ones are `''`. */
export function filtersOf(params) {
  const filters = Object.fromEntries(PARAMS.map((key) => [key, params.get(key) ?? '']));
  filters.attribute = params.getAll('attribute');
  filters.children = filters.children === 'true' ? 'true' : '';
  if (!SORTS.includes(filters.sort)) filters.sort = 'newest';
  return filters;
}

/** The query for the server, as `[key, value]` pairs. */
export function queryOf(filters) {
  return PARAMS.flatMap((key) => [filters[key]].flat().filter((value) => value !== '').map((value) => [key, value]))
    .filter(([key, value]) => key !== 'sort' || value !== 'newest');
}

/** Whether anything is filtered. */
export function isFiltered(filters) {
  return queryOf(filters).some(([key]) => key !== 'sort');
}

/**
 * Reads the text of the search box: `service:billing error:"card declined" checkout`. Returns the parameters that it names, and what is
 * left as `text`. Another `key=value` is an attribute, as for the command line. Quotes keep spaces, and `\"` is a quote in them; a word
 * before a colon that is no filter is text.
 */
export function readSearch(source) {
  const found = {};
  const text = [];
  for (const [token] of source.matchAll(/(?:[^\s"]+|"(?:\\[\\"]|[^"])*"?)+/g)) {
    const plain = token.replaceAll(/\\([\\"])|"/g, (_, escaped) => escaped ?? '');
    const [key, value] = readWord(plain);
    if (key === undefined || value === '') text.push(plain);
    else if (key === 'attribute') (found.attribute ??= []).push(value);
    else found[key] = value;
  }
  return { found, text: text.join(' ') };
}

/** What stands in the search box for a name that is searched for, so that reading it finds the same: `a=b` is `name:"a=b"`. */
export function writeSearch(name) {
  const { found, text } = readSearch(name);
  if (text === name && Object.keys(found).length === 0) return name;
  return `name:"${name.replaceAll(/[\\"]/g, '\\$&')}"`;
}

/** The parameter that a word sets, and its value: `service:billing`, `service=billing`, `order.id=17`. No parameter: the word is text. */
function readWord(word) {
  const at = word.search(/[:=]/);
  const key = at > 0 ? WORDS[word.slice(0, at).toLowerCase()] : undefined;
  if (key !== undefined) return [key, word.slice(at + 1)];
  const equals = word.indexOf('=');
  // `=17` names no attribute, and of `order.id=` the value is still to come.
  return equals > 0 && equals < word.length - 1 ? ['attribute', word] : [undefined, word];
}

/** The arguments of `spanbridge runs` for the same list. */
export function commandOf(filters) {
  const quoted = (value) => (/^[\w.:=@%+,/-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`);
  const named = (key) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return ['spanbridge runs', ...queryOf(filters).map(([key, value]) => (key === 'children' ? '--children' : `--${named(key)} ${quoted(value)}`))].join(' ');
}

const SPANS = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };

/** A length of time in milliseconds: `250ms`, `90s`, `15m`. `NaN` if it is none. */
export function lengthOf(text) {
  const match = /^(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(text.trim());
  if (!match) return NaN;
  return Number(match[1]) * (match[2] === 'ms' ? 1 : SPANS[match[2]]);
}

/** A moment: a length of time before now, or a date or a time. `NaN` if it is none. */
function momentOf(text, now) {
  const length = lengthOf(text);
  return Number.isNaN(length) ? millis(text) : now - length;
}

/** Whether a line that has just come belongs to the list: `true`, `false`, or `null` if only the server can say. */
export function matches(row, filters, now = Date.now()) {
  const began = millis(row.startedAt);
  if (filters.since && began < momentOf(filters.since, now)) return false;
  if (filters.until && began >= momentOf(filters.until, now)) return false;
  if (filters.minDuration && !((row.durationMs ?? -1) >= lengthOf(filters.minDuration))) return false;
  if (filters.status === 'ok' && hasFailed(row)) return false;
  // A line stands for the runs that its run started, too, and one of them may match.
  if (!matchesItself(row, filters)) return row.descendants ? null : false;
  return filters.attribute.length > 0 || filters.error ? null : true;
}

function matchesItself(row, { status, service, name }) {
  const fits = status === '' || row.status === status || (status === 'error' && hasFailed(row));
  return fits && (!service || row.services.includes(service)) && (!name || row.name.toLowerCase().includes(name.toLowerCase()));
}

function hasFailed({ failedWork = 0, failedDescendants = 0 }) {
  return failedWork + failedDescendants > 0;
}
