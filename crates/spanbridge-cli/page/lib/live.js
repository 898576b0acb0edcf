// What happens now: the server's event stream, read with `fetch` so that it can carry the token.
import { request } from './api.js';
import { EventReader } from './sse.js';

/** The server sends something every 15 seconds. Without anything for this long, the connection is taken for lost. */
const SILENCE = 40_000;

/**
 * Follows the lines of the list, with `children` each run by itself, or one run. `on` has `runs(rows)`, `records(records)`, `resync()` and `state({name, since, retryAt})`
 * with the names `connecting`, `live`, `lost` and `resting`. Returns a function that ends it.
 *
 * A tab that nobody sees lets go of its connection, because a browser opens only six to one server; it goes on behind the last
 * event when it is seen again.
 */
export function follow({ runId, children, records } = {}, on) {
  let lastId = '';
  let stopped = false;
  let wait = 500;
  let controller = null;
  let timer = 0;

  const state = (name, more = {}) => on.state?.({ name, since: Date.now(), ...more });
  const connect = async () => {
    clearTimeout(timer);
    if (stopped || controller) return;
    if (document.hidden) return state('resting');
    const own = new AbortController();
    controller = own;
    state('connecting');
    let watch = 0;
    try {
      const query = new URLSearchParams();
      if (runId) query.set('runId', runId);
      if (children) query.set('children', 'true');
      if (records) query.set('records', 'true');
      const answer = await request(`/api/v1/live?${query}`, {
        signal: own.signal,
        accept: 'text/event-stream',
        more: lastId ? { 'Last-Event-ID': lastId } : {},
      });
      wait = 500;
      state('live');
      const reader = new EventReader(({ type, data }) => {
        if (type === 'resync') on.resync?.();
        else if (type === 'runs') on.runs?.(JSON.parse(data).runs);
        else if (type === 'records') on.records?.(JSON.parse(data).records);
      });
      reader.lastId = lastId;
      const stream = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        clearTimeout(watch);
        watch = setTimeout(() => own.abort(), SILENCE);
        const { done, value } = await stream.read();
        if (done) break;
        reader.push(value);
        lastId = reader.lastId;
      }
    } catch {
      // Lost, refused or let go: said below.
    }
    clearTimeout(watch);
    controller = null;
    if (stopped) return;
    if (document.hidden) return state('resting');
    state('lost', { retryAt: Date.now() + wait });
    timer = setTimeout(connect, wait);
    wait = Math.min(wait * 2, 10_000);
  };
  const seen = () => {
    if (document.hidden) controller?.abort();
    else connect();
  };
  document.addEventListener('visibilitychange', seen);
  window.addEventListener('online', connect);
  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
    window.removeEventListener('online', connect);
    controller?.abort();
  };
}
