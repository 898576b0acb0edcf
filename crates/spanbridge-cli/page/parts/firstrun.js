// A store without runs: how to get the first one in.
import { html } from '../lib/html.js';
import { hasToken } from '../lib/api.js';
import { copy } from '../lib/copy.js';

const RUST = `let _recording = spanbridge_store::install_from_env("orders"); // once, at the start of main
let run = spanbridge::observe::run("checkout").open();
run.end();`;

function Snippet({ title, code, children }) {
  return html`<section class="snippet"><h3>${title}</h3><div class="code"><pre><code>${code}</code></pre>
    <button class="button quiet" onClick=${() => copy(code, 'Text')} aria-label=${`Copy: ${title}`}>Copy</button></div><p class="dim">${children}</p></section>`;
}

/** What to do first. */
export function FirstRun() {
  const endpoint = [
    `OTEL_EXPORTER_OTLP_ENDPOINT=${location.origin}`,
    'OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    // The token itself stays off the screen.
    ...(hasToken() ? ['OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20$SPANBRIDGE_TOKEN'] : []),
  ].join('\n');
  return html`<div class="blank first"><p class="big">No runs yet</p><p>This page is live: the first run appears here by itself.</p>
    <div class="snippets">
      <${Snippet} title="From Rust" code=${RUST}>The records come here if <code>SPANBRIDGE_DB</code> names the store of this server, or if you set it for neither.<//>
      <${Snippet} title="From any OpenTelemetry SDK" code=${endpoint}>Set these where your service runs. No code changes.<//>
      <${Snippet} title="From a file" code="spanbridge import records.jsonl">Our records, OTLP, or logs that contain them; gzip and zstd, too.<//>
    </div></div>`;
}
