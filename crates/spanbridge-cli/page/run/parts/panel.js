// Everything about the chosen span.
import { html } from '../../lib/html.js';
import { counted, visible } from '../../lib/text.js';
import { duration, durationMs, exact } from '../../lib/time.js';
import { copy } from '../../lib/copy.js';
import { titleOf as gapTitle } from '../../lib/gaps.js';
import { Service, Status } from '../../parts/marks.js';
import { Name, Text } from '../../parts/text.js';
import { Attributes, MAX_SHOWN, More } from '../../parts/attributes.js';
import { Failure } from '../../parts/failure.js';
import { Menu } from '../../parts/menu.js';
import { labels, queuedOf, timeOf, titleOf } from '../model/labels.js';
import { bytes, payloadText } from '../model/payload.js';
import { keyText, placeOfRow, rowValue } from '../../lib/rowtext.js';
import { SKEWED } from '../model/rows.js';
import { since } from '../model/suspensions.js';

export function Panel({ view, row, details, failed }) {
  const { rows } = view;
  const span = details?.span;
  const items = [
    { label: 'As text', hint: 't', run: () => view.copyRow('text') }, { label: 'As JSON', hint: 'J', run: () => view.copyRow('json') },
    { label: 'As a link', hint: 'Y', run: () => view.copyRow('link') }, { label: 'Its id', run: () => copy(rows.ids[row], 'Id') },
    { label: 'As a command', run: () => copy(`spanbridge debug ${rows.ids[row]}`, 'Command') },
  ];
  return html`<header class="panel-head"><h2 tabindex="-1"><${Text} of=${titleOf(rows, row)} max=${300} /></h2>
      <${Menu} label="Copy" items=${items} title="Copy this span" /><button class="button quiet" title="Close (Escape)" aria-label="Close" onClick=${() => { view.select(-1); view.stage.focus(); }}>✕</button></header>
    <div class="panel-body scroll" tabindex="0" aria-label="Details">
      <p class="line"><${Status} word=${rows.statusOf(row)} /><${Service} name=${rows.serviceOf(row)} among=${rows.tables.services} /></p>
      <p class="words">${labels(rows, row).map(([tone, words]) => html`<span class="word" data-tone=${tone} key=${words}>${words}</span>`)}</p>
      <${Times} rows=${rows} row=${row} span=${span} />
      ${(rows.findings.get(row) ?? []).map((gap) => html`<section class="found" key=${gap.what}><h3>▲ ${gapTitle(gap.kind)}</h3><p><${Text} of=${gap.what} /></p><p class="dim"><${Text} of=${gap.likelyCause} /></p><p><b>Fix:</b> <${Text} of=${gap.fix} /></p></section>`)}
      ${failed && html`<${Failure} error=${failed} />`}
      ${!span && !failed && html`<p class="faint" role="status">Loading the details</p>`}
      ${span && html`<${Rest} view=${view} row=${row} details=${details} />`}
    </div>`;
}

function Times({ rows, row, span }) {
  const begins = rows.start[row] - rows.bounds.from;
  const [queued, suspended] = [queuedOf(rows, row), rows.sparse.suspended[row]];
  const skewed = rows.flags[row] & SKEWED;
  return html`<dl class="times"><dt>Took</dt><dd>${timeOf(rows, row)}</dd>
    ${queued && html`<dt>Queued</dt><dd data-tone="warn">${queued.replace('queued ', '').replace('queued: ', '')}</dd>`}
    ${span?.selfMs !== undefined && html`<dt title="Without what it waited for">Itself</dt><dd>${durationMs(span.selfMs)}</dd>`}
    ${suspended !== undefined && html`<dt>Suspended</dt><dd data-tone="wait">${duration(suspended)}</dd>`}
    <dt>Began</dt><dd>${begins === 0 ? 'at the start' : `${begins < 0 ? '−' : '+'}${duration(Math.abs(begins))}`}${span && html` <time class="faint" title=${exact(span.startedAt)}>${span.startedAt.slice(11, 26)} UTC</time>`}</dd>
    ${skewed !== 0 && html`<dt>Clocks</dt><dd data-tone="warn">Its times contradict those of what caused it: waits are not computed</dd>`}</dl>`;
}

function Rest({ view, row, details }) {
  const { span, artifacts } = details;
  const { rows } = view;
  const attributes = Object.entries(span.attributes);
  const errorType = span.attributes['error.type'];
  return html`
    ${(span.error || errorType) && span.status !== 'ok' && html`<section><h3>Error${errorType ? html` <code class="faint"><${Text} of=${errorType} max=${120} /></code>` : ''}</h3>
      ${span.error && html`<pre class="text bad"><${Text} of=${span.error} lines max=${8000} /></pre>`}</section>`}
    ${artifacts.map((one) => html`<${Payload} key=${one.artifactId} of=${one} />`)}
    ${details.mutations && html`<${Changed} all=${details.mutations} />`}
    <${Relations} view=${view} row=${row} details=${details} />
    ${span.events.length > 0 && html`<section><h3>${counted(span.events.length, 'event')}</h3><ol class="events">${span.events.slice(0, MAX_SHOWN).map((event) => html`<li key=${event.eventId}>
      <span class="faint at" title=${exact(event.timestamp)}>+${duration(Math.max(0, since(span.startedAt, event.timestamp)))}</span><div><b><${Text} of=${event.name} max=${300} /></b>
      ${event.attributes && html`<${Attributes} of=${Object.entries(event.attributes)} />`}</div></li>`)}</ol><${More} of=${span.events} /></section>`}
    ${attributes.length > 0 && html`<section><h3>${counted(attributes.length, 'attribute')}</h3><${Attributes} of=${attributes} found /></section>`}
    <section><h3>Ids</h3><dl class="ids">${[['span', span.spanId], ['trace', span.traceId], ['run', span.runId], ['segment', span.segmentId], ['parent', span.parentSpanId]].filter(([, id]) => id).map(([what, id]) => html`<dt key=${what}>${what}</dt>
      <dd><button class="copyable" title="Copy" onClick=${() => copy(id, `Id of the ${what}`)}><code>${id}</code></button></dd>`)}
      <dt>step</dt><dd><code><${Text} of=${span.primitive} max=${120} /></code> <span class="faint">${span.kind}</span></dd></dl></section>`;
}

function Payload({ of }) {
  const { text, note } = payloadText(of);
  return html`<section class="payload"><h3><${Text} of=${of.kind} max=${60} /> <span class="faint"><${Text} of=${of.contentType} max=${80} /> · ${bytes(of.sizeBytes)}</span>
      <span class="grow"></span>${text !== null && html`<button class="button quiet" onClick=${() => copy(of.preview, 'Payload')}>Copy</button>`}</h3>
    ${text !== null && html`<pre class="text" tabindex="0"><${Text} of=${text} lines max=${60000} /></pre>`}
    ${note && html`<p class="faint">${note}</p>`}${of.hash && html`<p class="faint clip"><code><${Text} of=${of.hash} max=${120} /></code></p>`}</section>`;
}

/** Rows of databases that the step changed: each column before and after. */
function Changed({ all }) {
  const columns = (one) => (one.op === 'delete' ? Object.keys(one.before ?? {}) : one.columns);
  const value = (of, column) => (of && Object.hasOwn(of, column) ? rowValue(of[column]) : null);
  const words = (one, column) => {
    const [before, after] = [value(one.before, column), value(one.after, column)];
    if (one.op === 'insert' || one.op === 'delete') return before ?? after ?? '(not captured)';
    return before === null && after === null ? '(not captured)' : `${before ?? '(not known)'} → ${after ?? '(not captured)'}`;
  };
  return html`<section class="changed"><h3>${counted(all.length, 'changed row')}</h3>${all.slice(0, MAX_SHOWN).map((one) => html`<div key=${one.mutationId}>
      <p><b><${Text} of=${one.table} max=${120} /></b> <${Text} of=${keyText(one.key)} max=${200} /> <span class="faint">${one.op} in <${Text} of=${one.database} max=${80} /></span>
        ${one.op !== 'truncate' && html` <a class="link" href=${placeOfRow(one)}>History</a>`}</p>
      <${Attributes} of=${columns(one).map((column) => [column, words(one, column)])} /></div>`)}<${More} of=${all} /></section>`;
}

/** Links and other relations, both ways. Each can be followed; Back returns. */
function Relations({ view, row, details }) {
  const { rows } = view;
  const { span } = details;
  const all = [];
  const near = [...rows.others.linkedRuns, ...rows.others.relatedRuns, ...rows.others.childRuns];
  /** The name of a run nearby, by its id; most runs have that of their trace. */
  const nameOf = (runId) => near.find((run) => run.runId === runId)?.name;
  const add = (key, sign, words, spanId, runId) => all.push({ key, sign, words, spanId, runId, row: rows.rowOf(spanId) });
  span.links.forEach((link, i) => add(`to${i}`, '↗', 'links to', link.spanId, nameOf(link.traceId) !== undefined ? link.traceId : undefined));
  (span.linkedFrom ?? []).forEach((link, i) => add(`from${i}`, '↙', 'linked from', link.spanId, link.runId));
  details.edges.forEach((edge, i) => {
    const outgoing = edge.from.spanId === span.spanId;
    const other = outgoing ? edge.to : edge.from;
    const words = edge.edgeType.replaceAll('_', ' ').replace('.', ' ');
    if (other.spanId && other.spanId !== span.spanId) add(`edge${i}`, outgoing ? '→' : '←', outgoing ? words : `${words} this`, other.spanId);
    else if (other.runId) all.push({ key: `edge${i}`, sign: outgoing ? '→' : '←', words, runId: other.runId, row: -1 });
  });
  if (rows.sparse.orphan[row]) add('orphan', '↑', 'parent, not recorded here', rows.sparse.orphan[row]);
  if (all.length === 0) return null;
  const go = (one) => () => (one.spanId ? view.goToSpan(one.spanId, one.runId) : view.ctx.navigate(`/runs/${one.runId}`));
  return html`<section><h3>${counted(all.length, 'relation')}</h3><ul class="links">${all.slice(0, MAX_SHOWN).map((one) => html`<li key=${one.key}>
      <button data-follow=${one.spanId ?? one.runId} onClick=${go(one)}><span class="faint">${one.sign} <${Text} of=${one.words} max=${60} /></span>
        <span class="clip">${one.row >= 0 ? html`<${Text} of=${titleOf(rows, one.row)} max=${120} />` : nameOf(one.runId) !== undefined ? html`<${Name} of=${nameOf(one.runId)} max=${120} />` : html`<code>${(one.spanId ?? one.runId).slice(0, 16)}</code>`}</span>
        <span class="faint">${one.row >= 0 ? html`<${Text} of=${rows.serviceOf(one.row)} max=${40} />` : 'another run'}</span></button></li>`)}</ul><${More} of=${all} /></section>`;
}
