// What is missing in the store or in a run, why, and what to change.
import { html, useEffect } from '../lib/html.js';
import { useAnswer } from '../lib/answer.js';
import { useItems } from '../lib/items.js';
import { useScroll } from '../lib/scroll.js';
import { bind } from '../lib/keys.js';
import { get } from '../lib/api.js';
import { doctorLine, doctorText, grouped, titleOf } from '../lib/gaps.js';
import { backTo, setParams } from '../lib/router.js';
import { placeOfStep } from '../lib/steps.js';
import { counted, number } from '../lib/text.js';
import { Id } from '../parts/marks.js';
import { Prose, Text, Name } from '../parts/text.js';
import { CopyMenu } from '../parts/menu.js';
import { Failure, Waiting } from '../parts/failure.js';

/** How many runs are checked unless more are asked for: an answer within a second or two. */
const LIMIT = 1000;
/** How many gaps of one group are shown at first. */
const SHOWN = 8;

const TIMES = [['', 'Any time'], ['1h', 'Last hour'], ['1d', 'Last day'], ['1w', 'Last week']];

/** The view over the store. */
export default function Doctor({ place }) {
  const since = place.params.get('since') ?? '';
  const limit = Number(place.params.get('limit')) || LIMIT;
  useEffect(() => { document.title = 'Doctor · spanbridge'; }, []);
  useEffect(() => bind('Doctor', [{ keys: ['Escape'], label: 'Back to the list', run: () => backTo('/') }]), []);
  const query = [...(since ? [['since', since]] : []), ['limit', String(limit)]];
  const answer = useAnswer('/api/v1/doctor', query, place.key);
  const found = answer.value?.runsFound ?? 0;
  return html`<${Answer} answer=${answer} place=${place} command=${`spanbridge doctor${since ? ` --since ${since}` : ''} --limit ${limit}`} many>
    <select class="field" aria-label="Runs that began" value=${since} onChange=${(event) => setParams({ since: event.target.value })}>
      ${TIMES.map(([value, words]) => html`<option key=${value}
          value=${value}>${words}</option>`)}${!TIMES.some(([value]) => value === since) && html`<option value=${since}>since ${since}</option>`}</select>
    ${found > limit && html`<button class="button"
        onClick=${() => setParams({ limit: String(limit * 10) })}>Check ${number(Math.min(found, limit * 10))} runs</button>`}
    <button class="button" onClick=${answer.again}>Check again</button>
  <//>`;
}

/** The view of one run. */
export function RunDoctor({ id, place, describe, known }) {
  const answer = useAnswer(`/api/v1/runs/${encodeURIComponent(id)}/doctor`, null, place.key);
  useEffect(() => {
    // The head of the run wants its name; this answer has it only beside a gap.
    if (known) return undefined;
    const own = new AbortController();
    get(`/api/v1/runs/${encodeURIComponent(id)}/why`, { signal: own.signal }).then((why) => describe({ ...why.run, attributes: why.attributes }), () => {});
    return () => own.abort();
  }, []);
  return html`<${Answer} answer=${answer} place=${place} command=${`spanbridge doctor ${id}`}><button class="button"
      onClick=${answer.again}>Check again</button><//>`;
}

function Answer({ answer, place, command, many = false, children }) {
  const { value: doctor, error, loading, again } = answer;
  const scroller = useScroll(place.key, doctor !== null);
  useItems('Findings', scroller);
  if (error && !doctor) return html`<div class="blank"><${Failure} error=${error} retry=${again} /></div>`;
  if (loading) return html`<${Waiting}>Doctor reads the runs …<//>`;
  const healthy = doctor.gaps.length === 0;
  const unsure = healthy && (doctor.notJudged.length > 0 || doctor.runs === 0);
  const tone = healthy ? (unsure ? 'open' : 'ok') : 'warn';
  return html`<div class="scroll" ref=${scroller}><div class="page">
    <div class="verdict" data-tone=${tone}><span class="sign" aria-hidden="true">${healthy ? (unsure ? '○' : '✓') : '!'}</span><h2
        class="grow">${doctorLine(doctor)}</h2>
      ${children}<${CopyMenu} text=${() => doctorText(doctor)} json=${doctor} command=${command} /></div>
    ${grouped(doctor.gaps).map((group) => html`<${Group} key=${group.kind + group.likelyCause} group=${group} many=${many} />`)}
    ${doctor.notJudged.length > 0 && html`<section class="card" data-tone="off"><h3><span class="sign" aria-hidden="true">?</span> Could not be judged</h3>
      <p class="dim">These are no findings. The records do not say whether all is well.</p>
      <ul class="unjudged">${doctor.notJudged.map((one) => html`<li key=${one.reason} data-item><span
          class="count">${number(one.count)}</span><span><${Prose} of=${one.why} />
        ${one.example && html` <span class="faint">For example: </span>${one.runId ? html`<a class="link" href=${placeOfStep(one)}><${Text}
            of=${one.example} max=${200} /></a>` : html`<${Text} of=${one.example} max=${200} />`}`}</span></li>`)}</ul></section>`}
    ${(doctor.diagnostics ?? []).map((note) => html`<p class="note" data-tone="warn" key=${note.code}><span class="sign"
        aria-hidden="true">!</span><span><${Text} of=${note.message} /></span></p>`)}
  </div></div>`;
}

function Group({ group, many }) {
  const { kind, likelyCause, fix, gaps } = group;
  const line = (gap, at) => html`<li key=${at} data-item>${gap.runId
    ? html`<a class="step-link" href=${placeOfStep(gap)}><${Text} of=${gap.what} max=${400} /></a>${many && html` <span class="faint">in <${Name}
        of=${gap.runName ?? ''} max=${80} /> <${Id} id=${gap.runId} /></span>`}`
    : html`<${Text} of=${gap.what} max=${400} />`}</li>`;
  return html`<section class="card finding" data-tone="warn" data-kind=${kind}>
    <h3><span class="sign" aria-hidden="true">!</span> ${titleOf(kind)} ${gaps.length > 1 && html`<span class="badge">${number(gaps.length)}</span>`}</h3>
    <ul class="steps">${gaps.slice(0, SHOWN).map(line)}</ul>
    ${gaps.length > SHOWN && html`<details data-item><summary>${counted(gaps.length - SHOWN, 'more', 'more')}</summary><ul
        class="steps">${gaps.slice(SHOWN).map(line)}</ul></details>`}
    <dl class="cause-fix"><dt>Likely cause</dt><dd><${Prose} of=${likelyCause} /></dd><dt>Fix</dt><dd><${Prose} of=${fix} /></dd></dl>
  </section>`;
}
