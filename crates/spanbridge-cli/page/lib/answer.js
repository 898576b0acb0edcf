// An answer of the server for a view: asked once for each address, remembered for Back.
import { useEffect, useState } from './html.js';
import { get } from './api.js';
import { recall, remember } from './router.js';

/** `{value, error, loading, again}` for a path and a query. What was answered before is there at once when the reader comes back. */
export function useAnswer(path, query, placeKey) {
  const name = path + JSON.stringify(query ?? []);
  const before = recall(placeKey)?.answers?.[name];
  const [state, setState] = useState({ name, value: before ?? null, error: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const own = new AbortController();
    const known = recall(placeKey)?.answers?.[name] ?? null;
    setState({ name, value: known, error: null });
    get(path, { query, signal: own.signal }).then(
      (value) => {
        setState({ name, value, error: null });
        const memory = recall(placeKey);
        remember({ ...memory, answers: { ...memory?.answers, [name]: value } }, placeKey);
      },
      (error) => error.name !== 'AbortError' && setState((old) => ({ ...old, error })),
    );
    return () => own.abort();
  }, [name, round]);
  const current = state.name === name ? state : { value: null, error: null };
  return { ...current, loading: !current.value && !current.error, again: () => setRound((n) => n + 1) };
}
