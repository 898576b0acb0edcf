// What is around every view: the bar at the top, the find box, help, the token, short messages.
import { html, useEffect, useRef, useState } from '../lib/html.js';
import { bind } from '../lib/keys.js';
import { onSay } from '../lib/say.js';
import { navigate } from '../lib/router.js';
import { Find } from './find.js';
import { Help } from './help.js';
import { LOGO } from './icons.js';
import { Login } from './login.js';
import { Live } from './live.js';

/** The shell around a view. */
export function Shell({ path, children }) {
  const [help, setHelp] = useState(false);
  const main = useRef(null);
  useEffect(() => bind('Everywhere', [
    { keys: ['?'], label: 'Show or hide this help', run: () => setHelp(true) },
    { keys: ['Mod+k'], label: 'Find by any id', always: true, run: () => document.getElementById('find')?.focus() },
    { keys: ['g'], label: 'Go to the list of runs', run: () => navigate('/') },
    { keys: ['D'], label: 'Ask doctor about the whole store', run: () => navigate('/doctor') },
  ]), []);
  useEffect(() => {
    // Another view: the keyboard and screen readers begin there, not at what is gone.
    const at = document.activeElement;
    if (!at || at === document.body || !at.isConnected) main.current.focus({ preventScroll: true });
  }, [path]);
  const tab = (to, text, on) => html`<a class="tab" href=${to} aria-current=${on ? 'page' : undefined}>${text}</a>`;
  return html`<div class="shell">
    <header class="top">
      <a class="brand" href="/" aria-label="spanbridge: list of runs">${LOGO}<span>spanbridge</span></a>
      <nav class="tabs" aria-label="Views">${tab('/', 'Runs', path === '/')}${tab('/doctor', 'Doctor', path === '/doctor')}</nav>
      <${Find} />
      <${Live} />
      <button class="button quiet" onClick=${() => setHelp(true)} aria-label="Keyboard and help" title="Keyboard and help"><kbd>?</kbd></button>
    </header>
    <main class="view" id="view" ref=${main} tabindex="-1">${children}</main>
    ${help && html`<${Help} close=${() => setHelp(false)} />`}
    <${Login} />
    <${Toasts} />
  </div>`;
}

function Toasts() {
  const [shown, setShown] = useState([]);
  useEffect(() => onSay((text) => {
    const one = { text, id: Math.random() };
    setShown((all) => [...all.slice(-2), one]);
    setTimeout(() => setShown((all) => all.filter((other) => other !== one)), 2600);
  }), []);
  return html`<div class="toasts" role="status" aria-live="polite">${shown.map(({ id, text }) => html`<div class="toast" key=${id}>${text}</div>`)}</div>`;
}
