// Short messages to the reader: shown for a moment, and read out by screen readers.

const listeners = new Set();

/** Says something for a moment. */
export function say(text) {
  listeners.forEach((listener) => listener(text));
}

/** Calls back for each message. Returns a function that ends it. */
export function onSay(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
