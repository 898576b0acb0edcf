// The heads of the list. Those that can order it are buttons.
import { html } from '../lib/html.js';
import { setParams } from '../lib/router.js';

const HEADS = [
  ['c-status', 'Status'], ['c-name', 'Name'], ['c-services', 'Services'], ['c-took', 'Took', 'longest'], ['c-spans', 'Spans', 'spans'],
  ['c-errors', 'Errors', 'errors'], ['c-began', 'Began', 'newest'], ['c-id', 'Id'],
];

/** The head of the table, with the order that is on. */
export function RunHead({ sort }) {
  return html`<div role="rowgroup"><div class="heads" role="row">${HEADS.map(([name, words, order]) => {
    const on = order === sort || (order === 'newest' && sort === 'oldest');
    // The column of the time orders both ways.
    const next = order === 'newest' && sort === 'newest' ? 'oldest' : order;
    const sign = sort === 'oldest' ? '↑' : '↓';
    return html`<span key=${name} class=${`cell ${name}`} role="columnheader" aria-sort=${on ? (sort === 'oldest' ? 'ascending' : 'descending') : undefined}>
      ${order ? html`<button aria-pressed=${on} title=${`Order by this`}
          onClick=${() => setParams({ sort: next === 'newest' ? null : next })}>${words}${on ? html`<span
              aria-hidden="true"> ${sign}</span>` : ''}</button>` : words}</span>`;
  })}</div></div>`;
}
