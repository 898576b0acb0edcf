// A note that a run went on while its answer was read. The answer itself stays as it is until the reader asks again.
import { html, useEffect, useState } from '../lib/html.js';
import { setConnection } from '../lib/connection.js';
import { follow } from '../lib/live.js';

/** Follows a run. `again` is called when the reader wants a new answer; `answer` is the one that is shown. */
export function Changed({ runId, answer, again }) {
  const [changed, setChanged] = useState(false);
  useEffect(() => setChanged(false), [answer]);
  useEffect(() => {
    const stop = follow({ runId }, {
      runs: (rows) => rows.length > 0 && setChanged(true),
      resync: () => setChanged(true),
      state: setConnection,
    });
    return () => {
      stop();
      setConnection({ name: 'none', since: Date.now() });
    };
  }, [runId]);
  if (!changed) return null;
  return html`<div class="note" data-tone="open" role="status"><span class="sign" aria-hidden="true">◌</span><span
      class="grow">The run has gone on since this was asked.</span>
    <button class="button" onClick=${again}>Ask again</button></div>`;
}
