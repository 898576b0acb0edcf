// Attributes: those of a span, and those of a run, by which it is searched.
import { html } from '../lib/html.js';
import { withParams } from '../lib/router.js';
import { attributesLine, counted, valueText, visible } from '../lib/text.js';
import { Text } from './text.js';

/** How many attributes, events and links are shown of each. */
export const MAX_SHOWN = 200;

/** As many characters are enough for a line of any screen. */
const MAX_LINE = 400;

/** The attributes of a run in one line, cut to its width. Opened, all of them. */
export function RunAttributes({ of }) {
  const all = Object.entries(of ?? {});
  if (all.length === 0) return null;
  return html`<details class="run-attributes"><summary class="clip" title="Attributes of the run"><${Text} of=${attributesLine(all, MAX_LINE)} /></summary>
    <div class="scroll"><${Attributes} of=${all} found /></div></details>`;
}

/** Attributes as a list, from `[key, value]` pairs. If runs are `found` by them, a value leads to the list of the runs that have it. */
export function Attributes({ of, found = false }) {
  return html`<dl class="attributes">${of.slice(0, MAX_SHOWN).map(([key, value]) => {
    const text = valueText(value);
    const isLong = text.includes('\n') || text.length > 90;
    return html`<dt key=${`k${key}`} title=${visible(key)}><${Text} of=${key} max=${200} /></dt><dd key=${key} data-long=${isLong || undefined}>${isLong ? html`<pre class="text"><${Text} of=${text} lines max=${6000} /></pre>`
      : found && typeof value !== 'object' ? html`<a class="found-by" data-type=${typeof value} href=${placeOf(key, text)} title="Runs with this"><${Text} of=${text} /></a>`
        : html`<span data-type=${typeof value}><${Text} of=${text} /></span>`}</dd>`;
  })}</dl><${More} of=${of} />`;
}

/** The list of the runs that have an attribute. */
function placeOf(key, text) {
  return withParams('/', new URLSearchParams(), { attribute: `${key}=${text}` });
}

/** How many of a long list are not shown. */
export function More({ of }) {
  return of.length > MAX_SHOWN ? html`<p class="faint">${counted(of.length - MAX_SHOWN, 'more')} are in the JSON</p>` : null;
}
