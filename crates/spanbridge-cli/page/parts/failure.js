// An answer that did not come: what happened, and what can be done.
import { html } from '../lib/html.js';
import { Id } from './marks.js';
import { Name, Text } from './text.js';
import { placeOf } from './find.js';

/** An error of the server, or that there is none. */
export function Failure({ error, retry }) {
  const title = error.status === 0 ? (error.code === 'unreadable' ? 'The answer cannot be read' : 'Connection lost') : error.status === 404 ? 'Not found' : error.status === 409 ? 'Several things begin so' : 'That did not work';
  return html`<div class="failure" role="alert"><p class="big">${title}</p><p class="dim"><${Text} of=${error.message || 'What went wrong is not known.'} max=${1000} /></p>
    ${error.candidates?.length > 0 && html`<ul class="candidates">${error.candidates.map((one) => html`<li key=${one.kind + one.id}>
      <a href=${placeOf(one)}><span class="faint">${one.kind}</span> <span class="clip">${one.name ? html`<${Name}
          of=${one.name} />` : html`<code>${one.id}</code>`}</span> <${Id} id=${one.id} /></a></li>`)}</ul>`}
    ${retry && error.status !== 404 && error.status !== 409 && html`<button class="button" onClick=${retry}>Try again</button>`}</div>`;
}

/** That something is asked for, and what. */
export function Waiting({ children }) {
  return html`<div class="scroll"><div class="page"><p class="dim" role="status">${children}</p><p class="pulse line-wide"></p><p class="pulse block"></p></div></div>`;
}
