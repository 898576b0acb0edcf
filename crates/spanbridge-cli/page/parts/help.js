// What the keyboard does now.
import { html, useEffect, useRef, useState } from '../lib/html.js';
import { active, bind } from '../lib/keys.js';

const SIGNS = { ArrowDown: '↓', ArrowUp: '↑', ArrowLeft: '←', ArrowRight: '→', Enter: '⏎', Escape: 'Esc', 'Mod+k': '⌘/Ctrl K' };

/** A dialog with the keys that work in the view behind it. */
export function Help({ close }) {
  const dialog = useRef(null);
  // The keys of the view, as they were when help was asked for.
  const [scopes] = useState(() => active());
  useEffect(() => {
    dialog.current.showModal();
    return bind('Help', [{ keys: ['?', 'Escape'], label: 'Close', always: true, run: close }], { modal: true });
  }, []);
  return html`<dialog ref=${dialog} onClose=${close} onClick=${(event) => event.target === dialog.current && close()} aria-labelledby="help-title">
    <div class="head"><h2 id="help-title" class="grow">Keyboard</h2><button class="button quiet" onClick=${close}>Close <kbd>Esc</kbd></button></div>
    <div class="body keys">
      ${scopes.map(({ title, bindings }) => html`<section key=${title}><h3>${title}</h3><ul>
        ${bindings.filter((one) => !one.hidden).map(({ keys, label }) => html`<li key=${label}><span>${label}</span>
          <span class="combo">${keys.slice(0, 2).map((key) => html`<kbd key=${key}>${SIGNS[key] ?? key}</kbd>`)}</span></li>`)}
      </ul></section>`)}
      ${scopes.filter(({ notes }) => notes.length > 0).map(({ title, notes }) => html`<section key=${title}><h3>In the search box</h3><ul>
        ${notes.map(([what, words]) => html`<li key=${what}><code>${what}</code><span class="dim">${words}</span></li>`)}</ul></section>`)}
    </div>
  </dialog>`;
}
