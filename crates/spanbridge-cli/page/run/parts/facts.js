// What there is to know of a run at a glance: counts, times, where its time went, and the runs that it is connected with.
import { html, useEffect, useRef, useState } from '../../lib/html.js';
import { counted, named, number } from '../../lib/text.js';
import { duration, durationMs } from '../../lib/time.js';
import { recovered, status } from '../../lib/status.js';
import { copy } from '../../lib/copy.js';
import { nextIn } from '../model/walk.js';
import { Name, Text } from '../../parts/text.js';
import { When } from '../../parts/marks.js';

/** If nothing ran for a smaller part of the run, it is not worth a word. */
const LEAST_WAIT = 0.01;

const KINDS = { work: 'working', queue: 'in queues', suspended: 'suspended', idle: 'idle', not_computed: 'not computed' };

export function Facts({ view }) {
  const { rows } = view;
  const { run, others } = rows;
  const findings = [...rows.findings.values()].flat();
  const jump = (list, by = 1) => () => { view.select(nextIn(list, view.selected, by)); view.stage.focus(); };
  const at = [...rows.findings.keys()].sort((a, b) => a - b);
  const later = run.endedAt !== undefined && rows.end > run.durationMs * 1e6 * 1.01 && rows.path && rows.path.to - rows.path.from > run.durationMs * 1e6 * 1.01;
  const mended = recovered(run);
  const waits = run.suspensions.find((one) => one.suspendedAt && !one.resumedAt);
  return html`<span class="fact">${counted(rows.count, 'span')}</span>
    ${rows.errors.length > 0 && html`<button class="fact act" data-tone="bad" onClick=${jump(rows.errors)} title="Next error (e)"><span class="sign">✗</span>${counted(rows.errors.length, 'error')}</button>`}
    ${findings.length + rows.unplaced.length > 0 && html`<${Pop} label=${html`<span data-tone="warn" class="toned">▲</span> ${counted(findings.length + rows.unplaced.length, 'finding')}`} title="What doctor found">
      ${at.slice(0, 50).map((row) => rows.findings.get(row).map((gap) => html`<button class="pick" key=${row + gap.kind} onClick=${() => { view.select(row); view.stage.focus(); }}><span><${Text} of=${gap.what} max=${300} /></span></button>`))}
      ${rows.unplaced.map((gap) => html`<p class="pick" key=${gap.what}><${Text} of=${gap.what} max=${300} /></p>`)}<//>`}
    ${view.isUnchecked ? html`<span class="fact faint" role="status" title="What it finds is on the page Doctor, once it answers">doctor did not answer</span>`
    : !view.findings && html`<span class="fact faint" role="status">doctor is looking</span>`}
    ${mended && html`<span class="fact" data-tone="ok"><span class="sign">↻</span>${mended}</span>`}
    ${run.error && html`<span class="fact clip wide" data-tone="bad" title=${run.error.slice(0, 1000)}><${Text} of=${run.error} max=${200} /></span>`}
    ${later && html`<span class="fact dim" title="Work that went on after the run had ended is counted">${duration(rows.path.to - rows.path.from)} with ${rows.path.totals.queue > 0 ? 'queued work' : 'what it started'}</span>`}
    ${waits && html`<span class="fact clip" data-tone="wait" title="It waits for something outside"><span class="sign">‖</span><span class="clip">suspended <${When} time=${waits.suspendedAt} />${waits.reason
    && html`: <${Text} of=${waits.reason} max=${80} />`}</span></span>`}
    ${run.waitedMs > 0 && run.waitedMs >= (run.durationMs ?? 0) * LEAST_WAIT && html`<span class="fact" data-tone="wait" title="It was suspended, and no span of it ran"><span class="sign">‖</span>nothing ran for ${durationMs(run.waitedMs)}</span>`}
    ${rows.path && Object.keys(rows.path.totals).length > 0 && html`<${Where} view=${view} path=${rows.path} />`}
    <span class="grow"></span>
    ${rows.replayOf && html`<a class="fact link" href=${`/runs/${rows.replayOf}`} title="The run whose code ran again here: the same input, and calls answered from the record">⟲ replay of ${rows.replayOf.slice(0, 8)}</a>`}
    ${run.parentRunId && html`<a class="fact link" href=${`/runs/${run.parentRunId}${run.triggeredBySpanId ? `?span=${run.triggeredBySpanId}` : ''}`} title="The run that started this one">↑ parent run</a>`}
    <${Others} runs=${others.childRuns} more=${others.more.childRuns} what="child run" sign="↳" />
    <${Others} runs=${others.relatedRuns.filter((one) => !others.childRuns.some((child) => child.runId === one.runId) && one.runId !== run.parentRunId)} more=${others.more.relatedRuns} what="related run" sign="·" />
    <${Others} runs=${others.linkedRuns} more=${others.more.linkedRuns} what="linked run" sign="↗" />
    ${others.prunedRuns.length > 0 && html`<span class="fact faint" title="Pruned runs that this one is connected with">${counted(others.prunedRuns.length, 'pruned run')}</span>`}
    ${run.traceIds.length > 0 && html`<button class="fact act faint" title=${`Copy: ${run.traceIds.slice(0, 20).join(' ')}`} onClick=${() => copy(run.traceIds.join('\n'), run.traceIds.length > 1 ? 'Trace ids' : 'Trace id')}>${counted(run.traceIds.length, 'trace')}</button>`}
    ${rows.diagnostics.length > 0 && html`<${Pop} label=${html`<span data-tone="warn" class="toned">!</span> ${counted(rows.diagnostics.length, 'note')}`} title="What you should know about the recording">
      ${rows.diagnostics.slice(0, 50).map((one, i) => html`<p class="pick" key=${i}><span><${Text} of=${one.message} max=${400} />${one.count > 1 ? html` <span class="faint">×${number(one.count)}</span>` : ''}</span> <code class="faint">${one.code}</code></p>`)}<//>`}`;
}

/** Where the time of the run went, as one bar: the critical path by what happened. */
function Where({ view, path }) {
  const all = Object.entries(path.totals).filter(([, time]) => time > 0);
  const total = all.reduce((sum, [, time]) => sum + time, 0) || 1;
  const words = all.map(([kind, time]) => `${duration(time)} ${KINDS[kind] ?? kind}`);
  return html`<button class="fact act where" aria-pressed=${view.pathOn} onClick=${() => view.setPath(!view.pathOn)} title=${`What the duration consists of, through queues (x): ${words.join(', ')}`}>
    <span class="stack" aria-hidden="true">${all.map(([kind, time]) => html`<i key=${kind} data-kind=${kind} style=${{ flexGrow: time / total }}></i>`)}</span>
    <span class="clip">Critical path: ${words.slice(0, 3).join(' · ')}</span></button>`;
}

function Others({ runs, more = 0, what, sign }) {
  if (runs.length === 0) return null;
  return html`<${Pop} label=${html`<span aria-hidden="true" class="faint">${sign}</span> ${counted(runs.length + more, what)}`} title=${`Runs: ${what}s`}>
    ${runs.slice(0, 200).map((run) => html`<a class="pick" key=${run.runId + (run.direction ?? '')} href=${`/runs/${run.runId}`}>
      <span class="toned" data-tone=${status(run.status).tone} title=${run.status}>${status(run.status).sign}</span><span class="clip"><${Name} of=${named(run.name)} max=${80} /></span>
      <span class="faint">${run.direction ? { to: '→ ', from: '← ', both: '↔ ' }[run.direction] ?? '' : ''}<${When} time=${run.startedAt} /></span></a>`)}
    ${runs.length + more > 200 && html`<p class="pick faint">${number(runs.length + more - 200)} more</p>`}<//>`;
}

/** A button that opens a small list below itself. */
export function Pop({ label, title, children }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    box.current.querySelector('.pop button, .pop a')?.focus();
    const outside = (event) => box.current?.contains(event.target) || setOpen(false);
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);
  const onKeyDown = (event) => {
    if (!open) return;
    const all = [...box.current.querySelectorAll('.pop button, .pop a')];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (to !== undefined && all.length > 0) all.at(to % all.length).focus();
    else if (event.key === 'Escape') { setOpen(false); box.current.querySelector('button').focus(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<span class="popper" ref=${box} onKeyDown=${onKeyDown}><button class="fact act" aria-expanded=${open} title=${title} onClick=${() => setOpen(!open)}>${label}<span class="faint" aria-hidden="true">▾</span></button>
    ${open && html`<div class="pop" onClick=${() => setOpen(false)}>${children}</div>`}</span>`;
}
