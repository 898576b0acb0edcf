// Whether what is shown is live: a sign, words, and what can be done about it.
import { html, useEffect, useState } from '../lib/html.js';
import { connection, onConnection } from '../lib/connection.js';

const WORDS = {
  live: ['Live', 'ok', 'New runs arrive by themselves'],
  paused: ['Paused', 'warn', 'Space goes on'],
  connecting: ['Connecting', 'open', 'Waiting for the server'],
  resting: ['Resting', 'off', 'A tab that nobody sees takes no connection'],
};

/** The state of the live connection. */
export function Live() {
  const [state, setState] = useState(connection);
  const [now, setNow] = useState(Date.now());
  useEffect(() => onConnection(setState), []);
  useEffect(() => {
    if (state.name !== 'lost') return undefined;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [state]);
  if (state.name === 'none') return null;
  const seconds = Math.max(0, Math.ceil(((state.retryAt ?? now) - now) / 1000));
  const [words, tone, title] = WORDS[state.name] ?? ['Connection lost', 'bad', 'spanbridge serve does not answer. Is it still running?'];
  return html`<span class="live" data-state=${state.name} data-tone=${tone} title=${title} role="status"><span class="dot"
      aria-hidden="true"></span><span>${words}${state.name === 'lost' && html`<span class="next" aria-hidden="true">, next try in ${seconds}s</span>`}</span></span>`;
}
