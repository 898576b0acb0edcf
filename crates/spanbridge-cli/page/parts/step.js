// A step in an answer: a link to where it is in its run.
import { html } from '../lib/html.js';
import { errorOf, nameOf, placeOfStep, tookOf } from '../lib/steps.js';
import { Service } from './marks.js';
import { Text, Name } from './text.js';

/** A step in a line of text: name and service. */
export function StepLink({ step, service = true }) {
  return html`<a class="step-link" href=${placeOfStep(step)}><${Name} of=${nameOf(step)} max=${160} />${service && step.service && html` <${Service}
      name=${step.service} />`}</a>`;
}

/** Steps one below the other; equal ones in a row count together. */
export function StepList({ steps, more = 0, errors = false }) {
  const groups = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last && last.step.name === step.name && last.step.service === step.service && (!errors || errorOf(last.step) === errorOf(step))) last.count += 1;
    else groups.push({ step, count: 1 });
  }
  return html`<ul class="steps">${groups.map(({ step, count }, at) => html`<li key=${at}><${StepLink} step=${step} />${count > 1 && html`<span
      class="faint"> ×${count}</span>`}
    <span class="faint"> ${tookOf(step)}</span>${errors && errorOf(step) && html`<div class="error-line"><${Text} of=${errorOf(step)} max=${400} /></div>`}</li>`)}
    ${more > 0 && html`<li class="faint">… ${more} more</li>`}</ul>`;
}
