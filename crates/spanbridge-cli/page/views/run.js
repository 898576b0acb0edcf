// A run: its head and its views. The waterfall and its relatives are in `run/`; why and doctor are here.
import { html, useCallback, useEffect, useRef, useState } from '../lib/html.js';
import { get } from '../lib/api.js';
import { bind } from '../lib/keys.js';
import { follow } from '../lib/live.js';
import { copy, copyJson, copyLink } from '../lib/copy.js';
import { setConnection } from '../lib/connection.js';
import { backTo, navigate, recall, remember, setParams, withParams } from '../lib/router.js';
import { say } from '../lib/say.js';
import { named, number, visible } from '../lib/text.js';
import { durationMs } from '../lib/time.js';
import { Id, Service, Status, When } from '../parts/marks.js';
import { Name, Text } from '../parts/text.js';
import { RunAttributes } from '../parts/attributes.js';
import { Caught } from '../parts/caught.js';
import { Failure } from '../parts/failure.js';
import { Menu } from '../parts/menu.js';
import { Why } from './why.js';
import { RunDoctor } from './doctor.js';

const VIEWS = [['timeline', 'Timeline'], ['tree', 'Tree'], ['services', 'Services'], ['why', 'Why'], ['doctor', 'Doctor']];

/** How many services are named above a run. The view of the services has all. */
const MAX_SERVICES = 12;

export default function Run({ place, id }) {
  const [run, setRun] = useState(null);
  const asked = place.params.get('view');
  const view = VIEWS.some(([name]) => name === asked) ? asked : 'timeline';
  const runId = run?.runId ?? id;
  const services = run?.services ?? [];
  // Not every view knows the services; those that another one knew stay.
  const describe = useCallback((next) => setRun((old) => ({ services: old?.runId === next.runId ? old.services : undefined, ...next })), []);
  useEffect(() => {
    document.title = `${run ? visible(named(run.name)).slice(0, 80) : visible(id.slice(0, 80))} · spanbridge`;
  }, [run, id]);
  const to = (name) => () => setParams({ view: name === 'timeline' ? null : name });
  useEffect(() => bind('Run', [
    ...VIEWS.map(([name, words], i) => ({ keys: [String(i + 1)], label: words, run: to(name) })),
    { keys: ['w'], label: 'Why did it fail?', run: to('why') },
    { keys: ['d'], label: 'Compare with the last good run', run: () => navigate(`/diff/${runId}/last-good`) },
    { keys: ['c'], label: 'Copy the id of the run', run: () => copy(runId, 'Id') },
    { keys: ['y'], label: 'Copy a link to this', run: () => copyLink() },
    { keys: ['Escape'], label: 'Back to the list', run: () => backTo('/') },
  ]), [runId]);
  const drawn = view !== 'why' && view !== 'doctor';
  return html`<header class="runhead">
      <div class="line"><a class="faint back" href="/" title="Back to the list of runs"
          onClick=${(event) => { if (event.button === 0 && !event.metaKey && !event.ctrlKey) { event.preventDefault(); backTo('/'); } }}>Runs</a><span
              class="faint" aria-hidden="true">/</span>
        <h1 class="clip">${run ? html`<${Name} of=${run.name} />` : html`<code><${Text} of=${id.slice(0, 32)} /></code>`}</h1>
        ${run && html`<${Status} run=${run} /><${Id} id=${run.runId} />`}
        ${run?.startedAt && html`<span class="faint"><${When} time=${run.startedAt} /></span>`}
        ${run?.durationMs !== undefined && run && html`<span class="dim">${durationMs(run.durationMs)}</span>`}
        <span class="grow"></span>
        <a class="button" href=${`/diff/${runId}/last-good`} title="Compare with the last good run of its kind (nothing failed for good)">Compare<span
            class="more"> with last good</span></a>
        <${Menu} label="Copy" title="Copy what names this run" items=${[
          { label: 'Its id', hint: 'c', run: () => copy(runId, 'Id') },
          { label: 'A link to this', hint: 'y', run: () => copyLink() },
          { label: 'As a command', hint: 'for a terminal', run: () => copy(`spanbridge trace ${runId}`, 'Command') },
          { label: 'As JSON', hint: 'the whole graph', run: () => get(`/api/v1/runs/${runId}`).then((graph) => copyJson(graph), (error) => say(error.message)) },
        ]} /></div>
      <div class="line"><nav class="tabs" aria-label="Views of the run">${VIEWS.map(([name, words], i) => html`<a key=${name} class="tab"
          href=${withParams(place.path, place.params, { view: name === 'timeline' ? null : name })}
        aria-current=${name === view ? 'page' : undefined} aria-keyshortcuts=${i + 1}>${words}</a>`)}</nav>
        <span class="services clip">${services.slice(0, MAX_SERVICES).map((name) => html`<${Service} key=${name} name=${name} among=${services} />`)}
          ${services.length > MAX_SERVICES && html`<a class="faint" href=${withParams(place.path, place.params, { view: 'services' })}
              >+${number(services.length - MAX_SERVICES)}</a>`}</span></div>
      <${RunAttributes} of=${run?.attributes} />
    </header>
    ${drawn && html`<${Canvas} id=${id} place=${place} describe=${describe} />`}
    ${!drawn && html`<${Caught} at=${place}>${view === 'why' && html`<${Why} id=${id} place=${place} describe=${describe} services=${run?.services} />`}
    ${view === 'doctor' && html`<${RunDoctor} id=${id} place=${place} describe=${describe} known=${run !== null} />`}<//>`}`;
}

/** The place that `run/` fills by itself. */
function Canvas({ id, place, describe }) {
  const element = useRef(null);
  const mounted = useRef(null);
  const [failed, setFailed] = useState(null);
  const context = {
    id,
    entry: place.key,
    params: new URLSearchParams(place.params),
    setParams,
    navigate,
    remember: (value) => remember(value, place.key),
    recall: () => recall(place.key),
    api: { get },
    follow,
    connection: setConnection,
    say,
    bind,
    describe,
  };
  const latest = useRef(context);
  latest.current = context;
  useEffect(() => {
    let wanted = true;
    import('../run/index.js').then(
      (module) => { if (wanted) mounted.current = module.mount(element.current, latest.current); },
      () => wanted && setFailed(new Error('The view of the run could not be loaded.')),
    );
    return () => {
      wanted = false;
      mounted.current?.unmount();
      mounted.current = null;
      setConnection({ name: 'none', since: Date.now() });
    };
  }, []);
  useEffect(() => { mounted.current?.update(latest.current); }, [place]);
  return html`<div class="run-view" ref=${element}>${failed && html`<div class="blank"><${Failure} error=${failed} /></div>`}</div>`;
}
