// How live the page is, for whoever shows it: `{name, since, retryAt?}` with the names of `live.js`, and `paused` while the reader stopped it.

const listeners = new Set();
let state = { name: 'none', since: Date.now() };

/** What is known now. */
export function connection() {
  return state;
}

/** Says how it is. */
export function setConnection(next) {
  state = next;
  listeners.forEach((listener) => listener(state));
}

/** Calls back when it changes. */
export function onConnection(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
