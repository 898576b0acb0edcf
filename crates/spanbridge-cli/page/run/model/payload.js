// Payloads and values as text that can be read.

/** How much of a payload is shown, in characters, and how many lines. */
const MAX_CHARACTERS = 60_000;
const MAX_LINES = 800;

/** A payload as text: `{text, note}`. JSON is indented; what was cut, here or when it was recorded, is said. */
export function payloadText({ preview, contentType = '', encoding = '', sizeBytes = 0 }) {
  if (preview === undefined) return { text: null, note: `not captured: recorded by reference, ${bytes(sizeBytes)}` };
  const notes = [];
  const kept = encoding === 'hex' ? Math.floor(preview.length / 2) : new TextEncoder().encode(preview).length;
  if (kept < sizeBytes) notes.push(`${bytes(kept)} of ${bytes(sizeBytes)} were captured`);
  let text = preview;
  if (encoding === 'hex') text = hexText(preview);
  else if (/json/i.test(contentType) || /^\s*[{[]/.test(preview)) text = indented(preview) ?? preview;
  else if (/x-www-form-urlencoded/i.test(contentType)) text = formText(preview);
  else if (/xml|html/i.test(contentType)) text = preview.replace(/>\s*</g, '>\n<');
  const lines = text.split('\n');
  if (lines.length > MAX_LINES) {
    notes.push(`${lines.length - MAX_LINES} more lines`);
    text = lines.slice(0, MAX_LINES).join('\n');
  }
  if (text.length > MAX_CHARACTERS) {
    notes.push(`${text.length - MAX_CHARACTERS} more characters`);
    text = text.slice(0, MAX_CHARACTERS);
  }
  return { text, note: notes.join('; ') };
}

/** JSON with indentation, or null if it is none. Numbers keep their digits, and keys their order. */
export function indented(source) {
  try {
    JSON.parse(source);
  } catch {
    return null;
  }
  let out = '';
  let depth = 0;
  const line = () => `\n${'  '.repeat(Math.min(depth, 40))}`;
  for (const [token] of source.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (token === '{' || token === '[') { depth += 1; out += token + line(); }
    else if (token === '}' || token === ']') { depth -= 1; out = out.trimEnd().endsWith(token === '}' ? '{' : '[') ? out.trimEnd() + token : out + line() + token; }
    else if (token === ',') out += token + line();
    else if (token === ':') out += ': ';
    else out += token;
  }
  return out;
}

function formText(source) {
  return [...new URLSearchParams(source)].map(([key, value]) => `${key} = ${value}`).join('\n');
}

function hexText(source) {
  const lines = [];
  for (let at = 0; at < source.length && lines.length < MAX_LINES; at += 32) {
    const piece = source.slice(at, at + 32);
    const octets = piece.match(/../g) ?? [];
    const text = octets.map((octet) => Number.parseInt(octet, 16)).map((n) => (n >= 32 && n < 127 ? String.fromCharCode(n) : '·')).join('');
    lines.push(`${(at / 2).toString(16).padStart(6, '0')}  ${octets.join(' ').padEnd(48)} ${text}`);
  }
  return lines.join('\n');
}

/** A size in words. */
export function bytes(n) {
  if (n < 1000) return `${n} B`;
  const [value, unit] = n < 1e6 ? [n / 1e3, 'kB'] : n < 1e9 ? [n / 1e6, 'MB'] : [n / 1e9, 'GB'];
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}
