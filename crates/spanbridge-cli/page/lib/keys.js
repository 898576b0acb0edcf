// The keyboard: what each key does now, in one place, so that `?` can say it.

const scopes = [];
const listeners = new Set();

/**
 * Binds keys for as long as a view is shown. A binding is `{keys: ['j', 'ArrowDown'], label, run(event), hidden?, always?}`; keys are as in
 * `KeyboardEvent.key`, with `Shift+` and `Mod+` (Ctrl or Command) in front where wanted. `always` works inside text fields, too.
 * Later bindings come first; those of a `modal` scope are the only ones. `notes` are lines of help beside the keys, `[what, words]`.
 * `run` may return `false` to leave the key to others.
 * Returns a function that unbinds.
 */
export function bind(title, bindings, { modal = false, notes = [] } = {}) {
  const scope = { title, bindings, modal, notes };
  scopes.push(scope);
  changed();
  return () => {
    const at = scopes.indexOf(scope);
    if (at >= 0) scopes.splice(at, 1);
    changed();
  };
}

/** The scopes whose keys work now, the nearest first. */
export function active() {
  const modal = scopes.findLast((scope) => scope.modal);
  return modal ? [modal] : scopes.toReversed();
}

/** Calls back when other keys work than before. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function changed() {
  listeners.forEach((listener) => listener());
}

/** The name of a pressed key as bindings write it. */
export function nameOf(event) {
  // Where brackets are typed with AltGr, or with Option, that key belongs to the character.
  const isTyped = event.getModifierState?.('AltGraph') || (event.altKey && !event.ctrlKey && !event.metaKey && /^[^\w\s]$/.test(event.key));
  const mod = !isTyped && (event.ctrlKey || event.metaKey) ? 'Mod+' : '';
  const alt = !isTyped && event.altKey ? 'Alt+' : '';
  // A character says itself whether Shift was held.
  const shift = event.shiftKey && event.key.length > 1 ? 'Shift+' : '';
  return `${mod}${alt}${shift}${event.key === ' ' ? 'Space' : event.key}`;
}

function isWriting(target) {
  return target instanceof Element
    && (target.closest('textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button])') !== null);
}

/** Keys that a focused button or link uses itself. */
function isItsOwn(target, name) {
  return target instanceof Element && (name === 'Enter' || name === 'Space') && target.closest('button, a[href], summary') !== null;
}

/** Listens to the keyboard. Called once. */
export function start(target = document) {
  target.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const name = nameOf(event);
    const writing = isWriting(event.target);
    if (isItsOwn(event.target, name)) return;
    for (const scope of active()) {
      for (const binding of scope.bindings) {
        if (!binding.keys.includes(name) || (writing && !binding.always)) continue;
        if (binding.run(event) === false) continue;
        event.preventDefault();
        return;
      }
    }
  });
}
