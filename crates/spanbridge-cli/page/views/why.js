// Why a run failed: the cause first, the way to it, what it took down, and the last run that went well.
import { html, useEffect, useMemo } from '../lib/html.js';
import { useAnswer } from '../lib/answer.js';
import { useItems } from '../lib/items.js';
import { useScroll } from '../lib/scroll.js';
import { changeOf, signOf } from '../lib/diffs.js';
import { errorOf, HOPS, KINDS, LOST, nameOf, placeOfStep, servicesIn, tookOf } from '../lib/steps.js';
import { spread } from '../lib/spread.js';
import { attemptsLine, headline, whyText } from '../lib/whytext.js';
import { counted } from '../lib/text.js';
import { exact } from '../lib/time.js';
import { Id, Service, Services, Status, When } from '../parts/marks.js';
import { Changed } from '../parts/changed.js';
import { Text, Name } from '../parts/text.js';
import { CopyMenu } from '../parts/menu.js';
import { Failure as NoAnswer, Waiting } from '../parts/failure.js';
import { ChangeList, RolledBackList } from '../parts/rows.js';
import { StepLink, StepList } from '../parts/step.js';

/** After how many steps the middle of a long path is left out. */
const PATH_HEAD = 16;

const TONES = { failed: ['bad', '✗'], cancelled: ['off', '⊘'], unfinished: ['open', '◌'], ok: ['ok', '✓'] };

export function Why({ id, place, describe, services }) {
  const { value: why, error, loading, again } = useAnswer(`/api/v1/runs/${encodeURIComponent(id)}/why`, null, place.key);
  const scroller = useScroll(place.key, why !== null);
  useItems('Why', scroller);
  useEffect(() => { if (why) describe({ ...why.run, attributes: why.attributes }); }, [why]);
  const near = useMemo(() => services ?? servicesIn(why), [services, why]);
  if (error && !why) return html`<div class="blank"><${NoAnswer} error=${error} retry=${again} /></div>`;
  if (loading) return html`<${Waiting}>Looking for what failed first …<//>`;
  const [tone, sign] = TONES[why.outcome] ?? ['off', '·'];
  return html`<div class="scroll" ref=${scroller}><${Services.Provider} value=${near}><div class="page" data-item>
    <div class="verdict" data-tone=${tone}><span class="sign" aria-hidden="true">${sign}</span><h2 class="grow">${headline(why)}</h2>
      <${CopyMenu} text=${() => whyText(why)} json=${why} command=${`spanbridge why ${why.run.runId}`} /></div>
    <${Changed} runId=${why.run.runId} answer=${why} again=${again} />
    ${why.error && html`<p class="dim">The owner of the run said: <${Text} of=${why.error} max=${1000} /></p>`}
    ${why.failures.map((failure, at) => html`<${Cause} key=${at} failure=${failure} runId=${why.run.runId} />`)}
    ${why.moreFailures > 0 && html`<p class="faint">… ${counted(why.moreFailures, 'more failure', 'more failures')}</p>`}
    <${Excused} title="Recovered" all=${why.recovered} more=${why.moreRecovered} words=${(one) => (one.by.name === one.step.name ? 'then another attempt succeeded:' : 'then this succeeded:')} />
    <${Excused} title="Handled" all=${why.handled} more=${why.moreHandled} words=${() => 'its caller went on:'} />
    ${why.rolledBack.length > 0 && html`<section class="card" data-tone="warn"><h3><span class="sign" aria-hidden="true">↶</span> Rolled back</h3><${RolledBackList} all=${why.rolledBack} more=${why.moreRolledBack} /></section>`}
    ${why.unfinished.length > 0 && html`<section class="card" data-tone="open"><h3><span class="sign"
        aria-hidden="true">◌</span> No end recorded</h3><${StepList} steps=${why.unfinished} more=${why.moreUnfinished} /></section>`}
    ${why.lastGood && html`<${LastGood} why=${why} />`}
    ${[...why.notes, ...(why.diagnostics ?? [])].map((note, at) => html`<p class="note" data-tone="warn" key=${at}><span class="sign"
        aria-hidden="true">!</span><span><${Text} of=${note.message} /></span></p>`)}
  </div><//></div>`;
}

function Cause({ failure, runId }) {
  const { step, kind } = failure;
  const error = errorOf(step);
  const cancelled = kind === 'cancelled';
  const attempts = attemptsLine(failure);
  return html`<section class="card cause" data-tone=${cancelled ? 'off' : 'bad'}>
    <h3><span class="sign" aria-hidden="true">${cancelled ? '⊘' : '✗'}</span><span><a href=${placeOfStep(step)} class="strong"><${Name}
        of=${nameOf(step)} /></a> ${KINDS[kind] ?? kind}
      ${failure.alike > 0 && html` <span class="badge">×${failure.alike + 1} alike</span>`}</span>${step.service && html`<${Service} name=${step.service} />`}</h3>
    ${error && html`<pre class="error"><${Text} of=${error} lines max=${4000} /></pre>`}
    ${failure.ownerOk && html`<p class="note" data-tone="warn"><span class="sign" aria-hidden="true">!</span>The owner of the run ended it as ok all the same.</p>`}
    <div class="parts">
      <div class="part wide"><h4>How the work got there</h4><${Path} failure=${failure} /></div>
      ${attempts && html`<div class="part"><h4>Before it</h4><p>${attempts}</p><${StepList} steps=${failure.attempts} more=${failure.moreAttempts} /></div>`}
      ${failure.tookDown.length > 0 && html`<div class="part"><h4>Took down</h4><${StepList} steps=${failure.tookDown} more=${failure.moreTakenDown} /></div>`}
      ${failure.rolledBack.length > 0 && html`<div class="part" data-part="rolled-back"><h4>Rolled back</h4><${RolledBackList} all=${failure.rolledBack} more=${failure.moreRolledBack} /></div>`}
      ${failure.changes.length > 0 && html`<div class="part wide" data-part="rows"><h4>Rows that were changed before</h4><${ChangeList} changes=${failure.changes} more=${failure.moreChanges} runId=${runId} /></div>`}
      ${failure.otherWriters.length > 0 && html`<div class="part wide" data-part="others"><h4>Who else wrote these rows last</h4><${ChangeList} changes=${failure.otherWriters} runId=${runId} /></div>`}
      ${failure.deadLetter && html`<div class="part"><h4>Dead letter</h4><${StepList} steps=${[failure.deadLetter]} /></div>`}
      ${failure.earlier.length > 0 && html`<div
          class="part"><h4>Failed earlier on the way, and was passed over</h4><${StepList} steps=${failure.earlier} errors /></div>`}
    </div>
  </section>`;
}

function Path({ failure }) {
  let service = null;
  let run = failure.path[0]?.runId;
  const bars = spread(failure.path);
  return html`<ol class="path" data-bars=${bars !== null || undefined}>${failure.path.map((step, at) => {
    const [sign, words] = HOPS[step.hop] ?? ['', step.hop];
    const moved = step.service !== service && step.service !== '';
    const other = step.runId !== run;
    [service, run] = [step.service || service, step.runId];
    const last = at === failure.path.length - 1;
    const bar = bars?.[at];
    return html`${at === PATH_HEAD && failure.pathOmitted > 0 && html`<li class="gap faint">… ${counted(failure.pathOmitted, 'more step', 'more steps')}</li>`}
      ${step.lost && html`<li class="gap" data-tone="warn"><span class="sign">!</span> ${LOST[step.lost] ?? step.lost}</li>`}
      <li key=${at} data-last=${last || undefined} data-hop=${step.hop}>
        <span class="hop" title=${words}>${sign}<span class="hidden">${words}</span></span>
        <span class="who">${moved && html`<${Service} name=${step.service} />`}
          <${StepLink} step=${step} service=${false} />
          ${other && html`<a class="link" href=${`/runs/${step.runId}`}>run <${Id} id=${step.runId} /></a>`}</span>
        <span class="faint took" title=${exact(step.startedAt)}>${tookOf(step)}</span>
        ${bar && html`<span class="when" aria-hidden="true">${bar.wait
            && html`<i class="wait" style=${{ left: `${bar.wait.left}%`, width: `${bar.wait.width}%` }} title="From the end of what sent it to this"></i>`}<i style=${{ left: `${bar.left}%`, width: `${bar.width}%` }}
            data-open=${step.durationMs === undefined || undefined}></i></span>`}
      </li>`;
  })}</ol>`;
}

function Excused({ title, all, more, words }) {
  if (all.length === 0) return null;
  return html`<section class="card" data-tone="ok"><h3><span class="sign" aria-hidden="true">✓</span> ${title}</h3><ul class="steps">
    ${all.map((one, at) => html`<li key=${at}><${StepLink}
        step=${one.step} /> failed${one.count > 1 ? ` ×${one.count}` : ''}, ${words(one)} <${StepLink} step=${one.by} />
      ${errorOf(one.step) && html`<div class="error-line"><${Text} of=${errorOf(one.step)} max=${400} /></div>`}</li>`)}
    ${more > 0 && html`<li class="faint">… ${more} more</li>`}</ul></section>`;
}

function LastGood({ why }) {
  const { run, differences, firstDifference: first } = why.lastGood;
  const [tone, sign, word] = first ? signOf(first) : [];
  return html`<section class="card good"><h3>Last good run of the same kind (nothing failed for good)</h3>
    <div class="line"><a class="strong" href=${`/runs/${run.runId}`}><${Name} of=${run.name} /></a><${Id} id=${run.runId} /><${Status}
        run=${run} /><span class="faint"><${When} time=${run.startedAt} /></span><span class="grow"></span>
      <a class="button main" href=${`/diff/${why.run.runId}/last-good`}>${differences === 0 ? 'No difference' : `See ${counted(differences, 'difference')}`}</a></div>
    ${first && html`<p class="first-change"><span class="faint">The first: </span><span class="mark" data-tone=${tone}>${sign} ${word}</span> <${Name}
        of=${first.name} />${first.service && html` <${Service} name=${first.service} />`}
      ${first.changes.slice(0, 2).map(changeOf).map((change) => html` <span class="dim"><${Text} of=${change.label} max=${60} />: <${Text}
          of=${change.left} max=${120} /> → <${Text} of=${change.right} max=${120} /></span>`)}</p>`}
  </section>`;
}
