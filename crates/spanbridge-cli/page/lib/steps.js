// Steps of a run in words, as in the answers of why and diff.
import { named, visible } from './text.js';
import { durationMs } from './time.js';

/** How the work got to a step: a sign and words. */
export const HOPS = {
  __proto__: null,
  start: ['', 'it began here'],
  local: ['', 'in the same service'],
  call: ['→', 'by a call that waits for its response'],
  queue: ['⇢', 'through a queue, or by a call that does not wait'],
  link: ['⇢', 'from another trace, by a link'],
  child_run: ['↳', 'a run that the step above started'],
  resume: ['‖', 'the run had been suspended, and was resumed'],
};

/** Why nothing is recorded before a step. */
export const LOST = { __proto__: null, parent: 'what caused it is not recorded', context: 'it came without a context' };

/** What went wrong, as the end of a sentence that begins with the step. */
export const KINDS = {
  __proto__: null,
  error: 'failed',
  panic: 'panicked',
  no_end: 'has no end: it hangs, or its process was killed',
  out_of_time: 'was still running when the time of its function was up',
  too_slow: 'was not done when its caller stopped waiting',
  response_lost: 'was done, but its response did not arrive',
  rejected: 'was rejected by the broker',
  returned: 'was returned by the broker: no queue takes the message',
  rolled_back: 'was rolled back, so nothing was sent',
  refused: 'refused the message',
  dead_lettered: 'ended with its message dead-lettered',
  cancelled: 'was cancelled',
  declared: 'was declared as failed by its owner',
};

/** The place of a step in the run view. */
export function placeOfStep({ runId, spanId }) {
  return spanId ? `/runs/${runId}?span=${spanId}` : `/runs/${runId}`;
}

/** The name of a step; a run is said to be one. */
export function nameOf(step) {
  if (step.name === '' && step.spanId) return `(start of ${step.spanId.slice(0, 8)}… not recorded)`;
  return step.spanId ? named(step.name) : `run ${named(step.name)}`;
}

/** The error in words, with its class if the words do not name it; empty if there is none. */
export function errorOf({ error = '', errorType = '' }) {
  const type = errorType === '_OTHER' ? '' : errorType;
  if (error.trim() === '') return type;
  return type && !error.includes(type) ? `${error} (${type})` : error;
}

/** How long a step took, or its status if it has not ended. */
export function tookOf(step) {
  return step.durationMs === undefined ? step.status : durationMs(step.durationMs);
}

/** A step with its service, for plain text. */
export function stepText(step) {
  const service = step.service ? ` (${visible(step.service)})` : '';
  return `${visible(nameOf(step))}${service}`;
}

/** The names of all services in an answer of why or diff. */
export function servicesIn(answer, found = new Set()) {
  for (const [key, value] of Object.entries(answer ?? {})) {
    if (key === 'service' && value) found.add(value);
    else if (typeof value === 'object') servicesIn(value, found);
  }
  return [...found];
}
