// Requests to the server that sent this page, and the token that it may ask for.

const KEY = 'spanbridge.token';
/** The token with which the server last answered. */
const ACCEPTED = 'spanbridge.token.accepted';
const listeners = new Set();
let waiting = null;

/** An answer that is no success: `status`, and `code`, `message` and `candidates` as the server said them. Status 0: no answer. */
export class ApiError extends Error {
  constructor(status, { code = '', message = '', candidates = [] } = {}) {
    super(message || `The server answered with status ${status}, and did not say why.`);
    Object.assign(this, { status, code, candidates });
  }
}

/** The headers that every request carries. A header is made of bytes, and a token may be any text: they are those of UTF-8. */
export function headers(more = {}) {
  const token = sessionStorage.getItem(KEY);
  const bytes = token && String.fromCharCode(...new TextEncoder().encode(token));
  return bytes ? { Authorization: `Bearer ${bytes}`, ...more } : more;
}

/** JSON from a path, with a query of `[key, value]` pairs or an object. Rejects with an `ApiError`, or with an `AbortError`. */
export async function get(path, { query, signal } = {}) {
  const text = query ? new URLSearchParams(query).toString() : '';
  const answer = await request(text ? `${path}?${text}` : path, { signal });
  try {
    return await answer.json();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, { code: 'unreadable', message: 'The answer of the server ended early, or is not JSON. Is something between it and this page?' });
  }
}

/** A response that is a success. Waits for a token if the server wants one, and tries again if it is busy. */
export async function request(path, { signal, accept = 'application/json', more = {} } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    let answer;
    const token = sessionStorage.getItem(KEY);
    try {
      answer = await fetch(path, { signal, headers: headers({ Accept: accept, ...more }), cache: 'no-store', redirect: 'error' });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new ApiError(0, { code: 'unreachable', message: 'spanbridge serve does not answer. Is it still running?' });
    }
    if (answer.ok) {
      if (token !== null && token !== sessionStorage.getItem(ACCEPTED)) sessionStorage.setItem(ACCEPTED, token);
      return answer;
    }
    if (answer.status === 401) {
      // It may have been entered while this was on its way.
      if (token === sessionStorage.getItem(KEY)) await tokenEntered(signal);
    } else if ((answer.status === 503 || answer.status === 429) && attempt < 3) {
      await pause(Math.min(Number(answer.headers.get('Retry-After')) || 1, 5) * 1000, signal);
    } else {
      const { error } = await answer.json().catch(() => ({}));
      throw new ApiError(answer.status, error && { ...error, message: sentenceOf(error.message) });
    }
  }
}

/** What the server says, as a sentence. It says what failed, as the words behind "failed to"; or only why: then there is no colon. */
export function sentenceOf(message) {
  if (!message?.trim()) return '';
  const end = /[.!?…]$/.test(message) ? '' : '.';
  return message.includes(': ') ? `Failed to ${message}${end}` : `The server could not answer: ${message}${end}`;
}

/** Calls back when a token is wanted (`true`) and when one was entered (`false`). */
export function onTokenWanted(listener) {
  listeners.add(listener);
  if (waiting) listener(true);
  return () => listeners.delete(listener);
}

/** Takes a token for as long as this tab is open. What waits for one goes on. */
export function enterToken(token) {
  sessionStorage.setItem(KEY, token.trim());
  const done = waiting;
  waiting = null;
  listeners.forEach((listener) => listener(false));
  done?.resolve();
}

/** Whether a token was entered. */
export function hasToken() {
  return sessionStorage.getItem(KEY) !== null;
}

/** Why a token is wanted: `first` if none was entered, `wrong` if it is not the server's, `changed` if it was until now. */
export function whyWanted() {
  if (!hasToken()) return 'first';
  return sessionStorage.getItem(KEY) === sessionStorage.getItem(ACCEPTED) ? 'changed' : 'wrong';
}

function tokenEntered(signal) {
  if (!waiting) {
    let resolve;
    const promise = new Promise((done) => { resolve = done; });
    waiting = { promise, resolve };
    listeners.forEach((listener) => listener(true));
  }
  return Promise.race([waiting.promise, aborted(signal)]);
}

function pause(ms, signal) {
  return Promise.race([new Promise((done) => { setTimeout(done, ms); }), aborted(signal)]);
}

function aborted(signal) {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')), { once: true });
  });
}
