// Copying: as text, as JSON, as a link.
import { say } from './say.js';

/** Copies text, and says what was copied. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https and off loopback, browsers have no clipboard but this one.
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'hidden';
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (!done) return say('The browser does not allow copying here.');
  }
  say(`${what} copied`);
}

/** Copies JSON, indented. */
export function copyJson(value, what = 'JSON') {
  return copy(JSON.stringify(value, null, 2), what);
}

/** Copies the address of a place in this page. */
export function copyLink(path = location.pathname + location.search) {
  return copy(new URL(path, location.origin).href, 'Link');
}
