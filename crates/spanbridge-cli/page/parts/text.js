// Text from records as elements: isolated from its surroundings, escapes told apart from the text.
import { html } from '../lib/html.js';
import { named, number, parts, visible } from '../lib/text.js';

/** Text that someone else chose. `lines` keeps its line breaks; `max` cuts it and says so. Other properties are those of the element. */
export function Text({ of, lines = false, max = 4000, ...rest }) {
  const text = String(of ?? '');
  const cut = text.length > max;
  const shown = parts(cut ? text.slice(0, max) : text, { lines });
  if (!cut && shown.length === 1 && !shown[0].escaped) return html`<bdi ...${rest}>${text}</bdi>`;
  return html`<bdi ...${rest}>${shown.map((part) => (part.escaped ? html`<span class="esc">${part.text}</span>` : part.text))}${cut
    && html`<span class="faint"> … ${number(text.length - max)} more characters</span>`}</bdi>`;
}

/** The name of a run or a span. Its title has it in full. */
export function Name({ of, max = 300 }) {
  const name = named(of);
  return html`<${Text} of=${name} max=${max} class=${name === of ? undefined : 'faint'} title=${visible(name.slice(0, 1000))} />`;
}

/** A sentence of spanbridge's own, in which `code` stands between backticks. What it quotes may be anything. */
export function Prose({ of, max = 4000 }) {
  return String(of ?? '').split('`').map((part, at) => (at % 2 === 1 ? html`<code class="quoted"><${Text} of=${part}
      max=${max} /></code>` : html`<${Text} of=${part} max=${max} />`));
}
