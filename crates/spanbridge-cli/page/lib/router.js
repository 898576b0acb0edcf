// Addresses: the History API, links inside the page, and what a view remembers so that Back finds it as it was.

const MEMORY = 'spanbridge.memory';
/** How many entries of the history are remembered, and how many of them with rows and answers. */
const [ENTRIES, WHOLE] = [60, 8];
const listeners = new Set();
const memory = new Map(stored());
/** Where the reader was last on each path: a query, and what was remembered. */
const lastOn = new Map();
let place = read();

function read() {
  const key = history.state?.key ?? freshKey();
  if (!history.state?.key) history.replaceState({ ...history.state, key }, '');
  return { path: location.pathname, params: new URLSearchParams(location.search), key };
}

function freshKey() {
  return Math.random().toString(36).slice(2, 10);
}

/** Where we are: `{path, params, key}`. `key` names this entry of the history. */
export function current() {
  return place;
}

/** Goes to an address of this page. With `replace`, Back does not come here. */
export function navigate(to, { replace = false } = {}) {
  if (to === place.path + searchOf(place.params)) return;
  if (replace) history.replaceState({ ...history.state, key: place.key }, '', to);
  else history.pushState({ key: freshKey(), from: place.path }, '', to);
  changed();
}

/** Goes back to a path as the reader left it: by Back if that leads there, else to a new entry with the same query, scroll and selection. */
export function backTo(path) {
  if (history.state?.from === path) return history.back();
  const last = lastOn.get(path);
  if (!last) return navigate(path);
  history.pushState({ key: freshKey(), from: place.path }, '', path + searchOf(last.params));
  if (memory.has(last.key)) remember(memory.get(last.key), history.state.key);
  return changed();
}

/** Changes the query of this address: `null`, `''` and `[]` remove a parameter, a list repeats it. */
export function setParams(changes, options) {
  navigate(withParams(place.path, place.params, changes), options);
}

/** An address with a changed query. */
export function withParams(path, params, changes) {
  const next = new URLSearchParams(params);
  for (const [key, value] of Object.entries(changes)) {
    next.delete(key);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== '') next.append(key, one);
    }
  }
  return path + searchOf(next);
}

/** A query as people can read it: `:` `/` `,` stay as they are. */
function searchOf(params) {
  const text = params.toString().replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%2C', ',');
  return text ? `?${text}` : '';
}

/** Calls back when the address has changed. Returns a function that ends it. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function changed() {
  lastOn.set(place.path, place);
  place = read();
  listeners.forEach((listener) => listener(place));
}

/** What was remembered for an entry of the history. */
export function recall(key = place.key) {
  return memory.get(key);
}

/** Remembers something for an entry of the history: until the tab is closed, as far as it is JSON. */
export function remember(value, key = place.key) {
  const isNew = !memory.delete(key);
  memory.set(key, value);
  if (!isNew) return;
  // Nobody goes back that far, and who goes back far can wait for the rows.
  if (memory.size > ENTRIES) memory.delete(memory.keys().next().value);
  for (const old of [...memory.keys()].slice(0, -WHOLE)) memory.set(old, { light: memory.get(old)?.light });
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(MEMORY) ?? '[]');
  } catch {
    return [];
  }
}

/** Follows links and Back. Called once. */
export function start() {
  history.scrollRestoration = 'manual';
  window.addEventListener('popstate', changed);
  window.addEventListener('pagehide', () => {
    // Rows and answers are loaded again; they would not fit here.
    const light = [...memory].map(([key, value]) => [key, value?.light ?? null]).filter(([, value]) => value !== null);
    try {
      sessionStorage.setItem(MEMORY, JSON.stringify(light.map(([key, value]) => [key, { light: value }])));
    } catch {
      // Without it, a reload begins at the top.
    }
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element && event.target.closest('a[href]');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (/^\/(api|v1|assets|healthz|metrics)(\/|$)/.test(link.pathname)) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
