// Text from records: whoever sent a record chose it. It is shown as text, and what would hide or reorder text is made visible.

// Controls; marks, embeddings, overrides and isolates of the bidirectional algorithm; separators, byte order and interlinear marks,
// invisible tag characters. The command line escapes the same.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** The escape that is shown for a character: `\n`, `\x1b`, `\u{202e}`. */
function escapeOf(character) {
  const code = character.codePointAt(0);
  const short = { 9: '\\t', 10: '\\n', 13: '\\r' }[code];
  if (short) return short;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** The text with every character that hides or reorders text shown as an escape: for canvas, titles and copied lines. */
export function visible(text) {
  return String(text ?? '').replace(UNSAFE, escapeOf);
}

/** The text in parts, `{text, escaped}`, so that escapes can be told from the text itself. `lines` keeps line breaks and tabs. */
export function parts(text, { lines = false } = {}) {
  const source = String(text ?? '');
  if (source.search(UNSAFE) < 0) return [{ text: source, escaped: false }];
  const out = [];
  let from = 0;
  for (const match of source.matchAll(UNSAFE)) {
    if (lines && (match[0] === '\n' || match[0] === '\t')) continue;
    if (match.index > from) out.push({ text: source.slice(from, match.index), escaped: false });
    out.push({ text: escapeOf(match[0]), escaped: true });
    from = match.index + match[0].length;
  }
  if (from < source.length || out.length === 0) out.push({ text: source.slice(from), escaped: false });
  return out;
}

/** The text in at most `max` characters, the middle left out: names differ at their ends. */
export function clip(text, max) {
  const source = String(text ?? '');
  // Nobody sees the middle of a megabyte.
  const all = [...visible(source.length > 8 * max + 64 ? source.slice(0, 4 * max) + source.slice(-4 * max) : source)];
  if (all.length <= max) return all.join('');
  const head = Math.ceil((max - 1) * 0.7);
  return `${all.slice(0, head).join('')}…${all.slice(all.length - (max - 1 - head)).join('')}`;
}

/** The name of a run or a span, or what is shown if it is empty. */
export function named(name) {
  return name === '' || name === undefined || name === null ? '(no name)' : name;
}

/** A number of things: `1 span`, `2,000 spans`. */
export function counted(n, what, many = `${what}s`) {
  return `${number(n)} ${n === 1 ? what : many}`;
}

/** A number with its thousands apart. */
export function number(n) {
  return n.toLocaleString('en-US');
}

/** The value of an attribute as text. */
export function valueText(value) {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null ? JSON.stringify(value, null, 2) : String(value);
}

/** Attributes in one line, `order.id=17 · customer=Acme`, in about `max` characters. */
export function attributesLine(pairs, max) {
  let line = '';
  for (const [key, value] of pairs) {
    if (line.length > max) break;
    line += `${line && ' · '}${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`;
  }
  return line.length > max ? `${line.slice(0, max)}…` : line;
}
