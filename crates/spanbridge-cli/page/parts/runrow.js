// A run as a row of the list.
import { html } from '../lib/html.js';
import { durationMs, exact } from '../lib/time.js';
import { setParams } from '../lib/router.js';
import { share } from '../lib/window.js';
import { counted, number, visible } from '../lib/text.js';
import { outcome, recovered } from '../lib/status.js';
import { Id, Service, Status } from './marks.js';
import { memo } from './memo.js';
import { Name } from './text.js';

/** As many services are shown by name. Of more, so many are shown by their letters; the others are counted. */
const [NAMED, LETTERED] = [3, 7];

/** A row at an index of the list. `began` says how long ago it began. */
export const RunRow = memo(({ run, index, top, chosen, marked, arrived, gone, longest, began, onPoint }) => {
  const mended = recovered(run);
  const long = run.durationMs === undefined ? null : durationMs(run.durationMs);
  const short = run.services.length > NAMED;
  const others = run.services.length === LETTERED + 1 ? [] : run.services.slice(LETTERED);
  const pick = (event) => {
    const name = event.target.closest('[data-service]')?.getAttribute('data-service');
    if (name) setParams({ service: name });
  };
  return html`<div class="run" role="row" id=${`run-${run.runId}`} data-run-id=${run.runId} aria-rowindex=${index + 2} aria-selected=${chosen}
    data-marked=${marked || undefined} data-arrived=${arrived || undefined} data-gone=${gone || undefined} style=${{ transform: `translateY(${top}px)` }} onPointerDown=${() => onPoint(run.runId)}>
    <span class="cell c-status" role="gridcell"><${Status} run=${run} />${mended && html`<span class="mended" title=${mended}
        aria-label=${mended}>↻ ${run.recoveredWork}</span>`}</span>
    <span class="cell c-name" role="gridcell">${run.parentRunId && html`<span class="faint" title=${`Started by run ${run.parentRunId}`}>↳</span>`}<a
        class="cover clip" href=${`/runs/${run.runId}`} tabindex="-1"><${Name} of=${run.name} /></a>${run.descendants
      && html`<span class="faint more-runs" title="Runs that it started, directly or through others">+${counted(run.descendants, 'run')}</span>`}${marked && html`<span class="badge">compare</span>`}${gone
        && html`<span class="badge" data-tone="off" title="It has changed, and the filters no longer let it in. It goes when you look elsewhere.">no longer matches</span>`}</span>
    <span class="cell c-services" role="gridcell" onClick=${pick}>${run.services.slice(0, run.services.length - others.length).map((name) => html`<${Service}
        key=${name} name=${name} among=${run.services} steady short=${short} />`)}${others.length > 0
      && html`<span class="faint" title=${others.map(visible).join('\n')}>+${others.length}</span>`}</span>
    <span class="cell c-took" role="gridcell" title=${long ? `${long}; the bar is on a logarithmic scale` : 'It has not ended'}>
      ${long ? html`<span class="bar" data-tone=${outcome(run).tone}><span
          style=${{ width: `${(share(run.durationMs, longest) * 100).toFixed(1)}%` }}></span></span><span class="took">${long}</span>` : html`<span
              class="bar running"><span></span></span><span class="took faint">–</span>`}</span>
    <span class="cell c-spans" role="gridcell">${number(run.spans)}<span class="unit"> ${run.spans === 1 ? 'span' : 'spans'}</span></span>
    <span class=${`cell c-errors${run.errors > 0 ? ' some' : ''}`} role="gridcell">${run.errors > 0 ? number(run.errors) : '–'}<span
        class="unit"> ${run.errors === 1 ? 'error' : 'errors'}</span></span>
    <span class="cell c-began" role="gridcell"><time dateTime=${run.startedAt} title=${exact(run.startedAt)}>${began}</time></span>
    <span class="cell c-id" role="gridcell"><${Id} id=${run.runId} /></span>
  </div>`;
});
