// Changed rows of databases: who wrote what, with the way to the row's history and to the step that wrote it.
import { html } from '../lib/html.js';
import { changeText, placeOfRow, rowName, UNDONE } from '../lib/rowtext.js';
import { placeOfStep } from '../lib/steps.js';
import { named } from '../lib/text.js';
import { exact } from '../lib/time.js';
import { Id, Service } from './marks.js';
import { StepLink } from './step.js';
import { Text } from './text.js';

/** Who wrote it: the step, its run and its service. */
export function Writer({ change, runId }) {
  const { writer, service } = change;
  if (!writer) return html`<span data-tone="warn" class="toned">unknown writer</span>${service && html` <span class="faint">recorded by</span> <${Service} name=${service} />`}`;
  const name = writer.spanName ?? (writer.spanId ? `(span ${writer.spanId.slice(0, 8)}… not recorded)` : '(span not known)');
  return html`<a class="step-link" href=${placeOfStep(writer)}><${Text} of=${named(name)} max=${160} /></a>
    ${writer.runId !== runId && html` <span class="faint">in</span> <a class="link" href=${`/runs/${writer.runId}`}><${Text} of=${named(writer.runName)} max=${120} /> <${Id} id=${writer.runId} /></a>`}
    ${service && html` <${Service} name=${service} />`}`;
}

/** Changed rows, one below the other. `runId`: the run that they are told of. */
export function ChangeList({ changes, more = 0, runId }) {
  return html`<ul class="steps row-changes">${more > 0 && html`<li class="faint">… ${more} more before those</li>`}
    ${changes.map((change) => html`<li key=${change.mutation.mutationId}>
      <a class="strong" href=${placeOfRow(change.mutation)} title="The history of this row"><${Text} of=${rowName(change.mutation)} max=${200} /></a>: <${Text} of=${changeText(change)} max=${1000} />
      <div class="by"><${Writer} change=${change} runId=${runId} />${change.mutation.committedAt && html` <time class="faint" title=${exact(change.mutation.committedAt)}>${change.mutation.committedAt.slice(11, 23)}</time>`}</div></li>`)}</ul>`;
}

/** Transactions that were rolled back, and what they had written. */
export function RolledBackList({ all, more = 0 }) {
  return html`<p class="faint">Rolled back: ${UNDONE}.</p><ul class="steps">${all.map(({ transaction, statements, moreStatements }, at) => {
    const wrote = statements.filter((step) => step.spanId !== transaction.spanId);
    return html`<li key=${at}><${StepLink} step=${transaction} />${wrote.length > 0 && html` with ${wrote.map((step, i) => html`${i > 0 && ', '}<${StepLink} key=${step.spanId} step=${step} service=${false} />`)}`}${moreStatements > 0 && html` <span class="faint">and ${moreStatements} more</span>`}</li>`;
  })}${more > 0 && html`<li class="faint">… ${more} more</li>`}</ul>`;
}
