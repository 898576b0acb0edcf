// A button with a few things to choose from, as "Copy".
import { html, useEffect, useRef, useState } from '../lib/html.js';
import { copy, copyJson, copyLink } from '../lib/copy.js';

/** A menu of `[{label, run}]`. */
export function Menu({ label, items, title }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    box.current.querySelector('[role=menuitem]')?.focus();
    const outside = (event) => box.current.contains(event.target) || setOpen(false);
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);
  const close = () => {
    setOpen(false);
    box.current.querySelector('button').focus();
  };
  const onKeyDown = (event) => {
    if (!open) return;
    const all = [...box.current.querySelectorAll('[role=menuitem]')];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) all.at(to % all.length).focus();
    else if (event.key === 'Escape') close();
    else if (event.key === 'Tab') return setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class="menu" ref=${box} onKeyDown=${onKeyDown}>
    <button class="button" aria-haspopup="menu" aria-expanded=${open} title=${title} onClick=${() => setOpen(!open)}>${label}<span class="faint"
        aria-hidden="true">▾</span></button>
    ${open && html`<ul role="menu" class="choices">${items.map((item) => html`<li key=${item.label} role="none">
      <button role="menuitem" onClick=${() => { close(); item.run(); }}>${item.label}${item.hint && html`<span
          class="faint">${item.hint}</span>`}</button></li>`)}</ul>`}
  </div>`;
}

/** Copy as text, as JSON, as a link, and as the command that prints the same. Absent ones are left out; each is a function or a text. */
export function CopyMenu({ text, json, link, command }) {
  const value = (one) => (typeof one === 'function' ? one() : one);
  const items = [
    text && { label: 'As text', run: () => copy(value(text), 'Text') },
    json && { label: 'As JSON', run: () => copyJson(value(json)) },
    { label: 'As a link', run: () => copyLink(link && value(link)) },
    command && { label: 'As a command', hint: 'for a terminal', run: () => copy(value(command), 'Command') },
  ].filter(Boolean);
  return html`<${Menu} label="Copy" items=${items} title="Copy what is shown" />`;
}
