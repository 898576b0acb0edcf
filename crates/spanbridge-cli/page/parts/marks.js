// Small marks that stand for the same thing everywhere: a status, a service, an id, a time.
import { createContext, html, useContext } from '../lib/html.js';
import { outcome, status } from '../lib/status.js';
import { lookOf } from '../lib/services.js';
import { ago, exact, millis } from '../lib/time.js';
import { visible } from '../lib/text.js';
import { Text } from './text.js';

/** The outcome of a run, or the status of a step: a sign and words. */
export function Status({ run, word }) {
  const { sign, tone, words } = run ? outcome(run) : status(word);
  const moving = (run?.status ?? word) === 'open';
  return html`<span class="status" data-tone=${tone} data-moving=${moving || undefined} title=${words}>
    <span class="sign" aria-hidden="true">${sign}</span><span class="clip">${words}</span>
  </span>`;
}

/** The names of the services that are shown together, so that no two of them look alike. */
export const Services = createContext(null);

/**
 * A service: its letters in its colour, and its name. `among` has the names of those beside it. With `steady` it has the colour of its name all
 * the same: where many runs are read together, it matters more that it is the same in all of them.
 */
export function Service({ name, among, short = false, steady = false }) {
  const near = useContext(Services);
  const look = lookOf(name, among ?? near);
  const [{ hue }, { letters }] = [steady ? lookOf(name) : look, look];
  if (short) return html`<span class="letters" data-hue=${hue} data-service=${name} title=${visible(name)} role="img"
      aria-label=${visible(name)}>${visible(letters)}</span>`;
  return html`<span class="service" data-hue=${hue} data-service=${name} title=${visible(name)}>
    <span class="letters" aria-hidden="true">${visible(letters)}</span><${Text} class="clip" of=${name} max=${120} /></span>`;
}

/** When something was: how long ago, and exactly in the title. */
export function When({ time, now }) {
  return html`<time dateTime=${time} title=${exact(time)}>${ago(millis(time), now)}</time>`;
}

/** The first digits of an id; all of them in the title. */
export function Id({ id }) {
  return html`<code class="faint" title=${id}>${id.slice(0, 8)}</code>`;
}
