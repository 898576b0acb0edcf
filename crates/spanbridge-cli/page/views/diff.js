// How two runs differ: the verdict in a word, then what was added, removed, changed or slower, side by side.
import { html, useEffect, useMemo } from '../lib/html.js';
import { useAnswer } from '../lib/answer.js';
import { useItems } from '../lib/items.js';
import { useScroll } from '../lib/scroll.js';
import { bind } from '../lib/keys.js';
import { copyLink } from '../lib/copy.js';
import { changeOf, diffText, GROUPS, notRead, ratioWords, signOf, VERDICTS } from '../lib/diffs.js';
import { backTo, navigate, setParams } from '../lib/router.js';
import { errorOf, placeOfStep, servicesIn } from '../lib/steps.js';
import { counted, named, visible } from '../lib/text.js';
import { Id, Service, Services, Status, When } from '../parts/marks.js';
import { Text, Name } from '../parts/text.js';
import { CopyMenu } from '../parts/menu.js';
import { Failure, Waiting } from '../parts/failure.js';

/** How many of the steps above a difference are shown; the title has them all. */
const NEAREST = 3;

export default function Diff({ place, a, b }) {
  const { value: diff, error, loading, again } = useAnswer(`/api/v1/diff/${encodeURIComponent(a)}/${encodeURIComponent(b)}`, null, place.key);
  const scroller = useScroll(place.key, diff !== null);
  const only = place.params.get('only') ?? '';
  useItems('Differences', scroller);
  useEffect(() => {
    document.title = `${diff ? `${diff.verdict}: ${visible(named(diff.right.name)).slice(0, 60)}` : 'Compare'} · spanbridge`;
  }, [diff]);
  useEffect(() => bind('Comparison', [
    { keys: ['x'], label: 'Exchange left and right', run: () => (diff ? navigate(`/diff/${diff.right.runId}/${diff.left.runId}`) : false) },
    { keys: ['y'], label: 'Copy a link to this', run: () => copyLink() },
    { keys: ['Escape'], label: 'Back to the list', run: () => backTo('/') },
  ]), [diff]);
  const near = useMemo(() => servicesIn(diff), [diff]);
  if (error && !diff) {
    const none = b === 'last-good' && error.status === 404;
    return html`<div class="blank"><${Failure} error=${error} retry=${again} />${none && html`<a class="button" href=${`/runs/${a}`}>To the run</a>`}</div>`;
  }
  if (loading) return html`<${Waiting}>Comparing the two runs …<//>`;
  const [tone, sign, sentence] = VERDICTS[diff.verdict] ?? ['off', '·', ''];
  const groups = GROUPS.map(([title, kinds]) => [title, kinds[0], diff.differences.filter((one) => kinds.includes(one.kind))]).filter(([, , all]) => all.length > 0);
  const known = groups.some(([, kind]) => kind === only);
  const shown = known ? diff.differences.filter((one) => one.kind === only) : diff.differences;
  const command = b === 'last-good' ? `spanbridge diff ${diff.right.runId} --last-good` : `spanbridge diff ${diff.left.runId} ${diff.right.runId}`;
  return html`<div class="scroll" ref=${scroller}><${Services.Provider} value=${near}><div class="page">
    <div class="verdict" data-tone=${tone}><span class="sign" aria-hidden="true">${sign}</span><h1>${diff.verdict}</h1><p class="dim grow">${sentence}</p>
      <a class="button" href=${`/diff/${diff.right.runId}/${diff.left.runId}`} title="Exchange left and right">⇄ Exchange</a>
      <${CopyMenu} text=${() => diffText(diff)} json=${diff} link=${`/diff/${diff.left.runId}/${diff.right.runId}`} command=${command} /></div>
    <div class="sides"><${Side} label=${b === 'last-good' ? 'Last good run' : 'Left'}
        run=${diff.left} /><${Side} label=${b === 'last-good' ? 'This run' : 'Right'} run=${diff.right} /></div>
    <div class="filters flat"><span class="dim">${counted(diff.matched, 'step')} matched, ${counted(diff.differences.length + diff.moreDifferences, 'difference')}</span>
      ${groups.length > 1 && html`<div class="segments" role="group" aria-label="Kinds of differences">
        <button aria-pressed=${!known} onClick=${() => setParams({ only: null }, { replace: true })}>All</button>
        ${groups.map(([title, kind, all]) => html`<button key=${kind} data-tone=${signOf(all[0])[0]} aria-pressed=${only === kind}
            onClick=${() => setParams({ only: kind }, { replace: true })}>
          <span class="sign" aria-hidden="true">${signOf(all[0])[1]}</span>${title} <span class="faint">${all.length}</span></button>`)}</div>`}</div>
    <ol class="differences">${shown.map((one, at) => html`<${Difference} key=${at} one=${one} />`)}</ol>
    ${diff.moreDifferences > 0 && html`<p class="faint">… ${counted(diff.moreDifferences, 'more difference', 'more differences')}</p>`}
    ${diff.differences.length === 0 && html`<div class="blank"><p
        class="big">${diff.runsNotRead ? 'What was read is alike' : 'These runs are alike'}</p><p>Same steps, same results, same attributes; no step is clearly slower or faster. Ids, times, ports, addresses, offsets and sizes are no differences.</p></div>`}
    ${diff.runsNotRead > 0 && html`<p class="note" data-tone="warn"><span class="sign" aria-hidden="true">!</span><span>${notRead(diff.runsNotRead)}.</span></p>`}
    ${(diff.diagnostics ?? []).map((note) => html`<p class="note" data-tone="warn" key=${note.code}><span class="sign"
        aria-hidden="true">!</span><span><${Text} of=${note.message} /></span></p>`)}
  </div><//></div>`;
}

function Side({ label, run }) {
  return html`<section class="card side" data-item><h3 class="faint">${label}</h3><p class="line"><a class="strong clip"
      href=${`/runs/${run.runId}`}><${Name} of=${run.name} /></a><${Id} id=${run.runId} /></p>
    <p class="line"><${Status} run=${run} />${run.errors > 0 && html`<span class="faint">${counted(run.errors, 'span')} failed</span>`}<span
        class="faint"><${When} time=${run.startedAt} /></span></p></section>`;
}

function Difference({ one }) {
  const [tone, sign, word] = signOf(one);
  const changes = one.changes.map(changeOf);
  const single = one.kind === 'added' || one.kind === 'removed';
  const link = (side, text) => side && html`<a class="link" href=${placeOfStep(side)}>${text}</a>`;
  return html`<li class="difference" data-tone=${tone} data-item>
    <div class="what"><span class="mark" data-tone=${tone}><span aria-hidden="true">${sign}</span> ${word}</span>
      <a class="strong" href=${placeOfStep(one.right ?? one.left)}><${Name} of=${one.name} /></a>
      ${one.service && html`<${Service} name=${one.service} />`}
      ${one.below > 0 && html`<span class="faint">with ${counted(one.below, 'step')} below</span>`}${one.count > 1 && html`<span
          class="badge">×${one.count}</span>`}</div>
    ${one.path.length > 0 && html`<p class="crumbs faint"
        title=${one.path.map((name) => visible(named(name))).join(' › ')}>below ${one.path.length > NEAREST && '… › '}${one.path.slice(-NEAREST).map((name, at) => html`${at > 0 && ' › '}<${Name} key=${at} of=${name} max=${80} />`)}</p>`}
    ${!single && html`<table class="compare"><thead class="hidden"><tr><th>What</th><th>Left</th><th>Right</th></tr></thead><tbody>
      <tr><th scope="row">${one.kind === 'status' ? 'status' : ''}</th>
        <td>${one.kind === 'status' && one.left && html`<${Status} word=${one.left.status} /> `}${link(one.left, 'in the left run')}</td>
        <td>${one.kind === 'status' && one.right && html`<${Status} word=${one.right.status} /> `}${link(one.right, 'in the right run')}</td></tr>
      ${(one.left?.error || one.right?.error) && html`<tr><th scope="row">error</th><td><${Value} of=${errorOf(one.left ?? {})} /></td><td
          class="new"><${Value} of=${errorOf(one.right ?? {})} /></td></tr>`}
      ${changes.map((change, at) => html`<tr key=${at}><th scope="row"><${Text} of=${change.label} max=${120} /></th><td><${Value} of=${change.left} /></td>
        <td class="new"><${Value} of=${change.right} />${change.ratio && html` <span class="faint">${ratioWords(change.ratio)}</span><span
            class="versus" aria-hidden="true"><i style=${{ width: `${100 * Math.min(1, 1 / change.ratio)}%` }}></i><i
                style=${{ width: `${100 * Math.min(1, change.ratio)}%` }}></i></span>`}</td></tr>`)}
    </tbody></table>`}
    ${single && (one.left?.error || one.right?.error) && html`<pre class="error small"><${Text} of=${errorOf(one.right ?? one.left)} lines max=${1000} /></pre>`}
  </li>`;
}

function Value({ of }) {
  return of ? html`<span class="value"><${Text} of=${of} lines max=${600} /></span>` : html`<span class="faint">–</span>`;
}
