// The list of runs: live, filtered by the address, drawn only where it is seen.
import { html, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from '../lib/html.js';
import { get } from '../lib/api.js';
import { setConnection } from '../lib/connection.js';
import { Feed } from '../lib/feed.js';
import { commandOf, filtersOf, isFiltered, queryOf, SEARCH_HELP } from '../lib/filters.js';
import { bind } from '../lib/keys.js';
import { follow } from '../lib/live.js';
import { recall, remember, setParams } from '../lib/router.js';
import { RunList } from '../lib/runlist.js';
import { asText } from '../lib/runtext.js';
import { say } from '../lib/say.js';
import { counted, number } from '../lib/text.js';
import { ago, millis } from '../lib/time.js';
import { AROUND, rowsInView, rowsToDraw, scrollFor } from '../lib/window.js';
import { FilterBar } from '../parts/filterbar.js';
import { FirstRun } from '../parts/firstrun.js';
import { CopyMenu } from '../parts/menu.js';
import { RunHead } from '../parts/runhead.js';
import { RunRow } from '../parts/runrow.js';
import { Failure } from '../parts/failure.js';
import { Text } from '../parts/text.js';
import { keysOfList } from './runkeys.js';

export default function Runs({ place }) {
  const query = place.params.toString();
  const filters = useMemo(() => filtersOf(place.params), [query]);
  useEffect(() => { document.title = 'Runs · spanbridge'; }, []);
  // What a run is to be compared with may be in another list.
  const [marked, setMarked] = useState(() => recall()?.light?.marked ?? null);
  // Other filters are another list: nothing else of the old one stays.
  return html`<${FilterBar} filters=${filters} /><${List} key=${JSON.stringify(queryOf(filters))} filters=${filters} place=${place}
      marked=${marked} setMarked=${setMarked} />`;
}

const noFilters = (filters) => setParams(Object.fromEntries(queryOf(filters).filter(([key]) => key !== 'sort').map(([key]) => [key, null])));

function List({ filters, place, marked, setMarked }) {
  const query = JSON.stringify(queryOf(filters));
  const [before] = useState(() => (recall()?.light?.query === query ? recall() : null));
  const [list] = useState(() => before?.list ?? new RunList(filters));
  const [, redraw] = useReducer((n) => n + 1, 0);
  const [chosen, setChosen] = useState(before?.light.chosen ?? null);
  const [now, setNow] = useState(Date.now());
  const scroller = useRef(null);
  const [box, setBox] = useState({ top: before?.light.top ?? 0, height: 800, row: 38 });
  /** What callbacks need as it is when they are called. */
  const it = useRef({ pointing: false, shift: 0 }).current;
  Object.assign(it, { chosen, marked, box });

  const view = () => rowsInView({ ...it.box, count: list.rows.length });
  const [feed] = useState(() => new Feed({
    list,
    get,
    follow,
    // Rows move for nobody who looks at one of them. Who only looks on sees them arrive.
    looking: () => ({ ...view(), following: it.box.top <= 1 && it.chosen === null && !it.pointing }),
    onConnection: setConnection,
    onChange: ({ above, changed, over }) => {
      if (over) scroller.current.scrollTop = 0;
      it.shift += above * it.box.row;
      if (changed) it.arrivals = changed;
      redraw();
    },
  }));
  useEffect(() => feed.start(before?.light.count), []);
  useEffect(() => feed.looked(), [chosen, box.top <= 1]);
  useEffect(() => {
    const tick = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(tick);
  }, []);

  // The window on the rows. What is as it was needs no drawing, and asking for sizes costs more than a press of a key may.
  const look = (box) => {
    if (Object.keys(box).every((key) => it.box[key] === box[key])) return;
    it.box = { ...it.box, ...box };
    setBox(it.box);
  };
  const scrolled = () => scroller.current && look({ top: scroller.current.scrollTop });
  const measure = () => {
    const element = scroller.current;
    if (!element) return;
    const row = Number.parseFloat(getComputedStyle(element).getPropertyValue('--row')) || 38;
    look({ top: element.scrollTop, height: element.clientHeight, row });
  };
  useLayoutEffect(() => {
    scroller.current.scrollTop = it.box.top;
    measure();
    const resized = new ResizeObserver(measure);
    resized.observe(scroller.current);
    return () => resized.disconnect();
  }, []);
  useLayoutEffect(() => {
    // As it was, once the rows are there; then, what went in above keeps the rest where it is.
    const restore = before && !it.restored && list.rows.length > 0;
    const shift = it.shift;
    it.shift = 0;
    if (restore) {
      it.restored = true;
      scroller.current.scrollTop = before.light.top;
    }
    if (shift) scroller.current.scrollTop += shift;
    if (restore || shift) scrolled();
  });
  useEffect(() => {
    if (list.rows.length > 0 && view().last > list.rows.length - 40 && !feed.state.failed) feed.load();
  });
  // At once: a click chooses a run and leaves the list in the same moment.
  useLayoutEffect(() => {
    remember({ list, light: { query, top: it.box.top, chosen, marked, count: list.rows.length } }, place.key);
  });
  const onScroll = () => {
    it.frame ??= requestAnimationFrame(() => {
      it.frame = null;
      scrolled();
      if (it.box.top <= 1 && list.held.size === 0 && !feed.isMoreFresh) list.fresh.clear();
    });
  };

  const choose = (index) => {
    const at = Math.min(list.rows.length - 1, Math.max(0, index));
    if (!list.rows[at]) return;
    it.chosen = list.rows[at].runId;
    setChosen(it.chosen);
    const top = scrollFor({ index: at, ...it.box });
    if (top === null) return;
    scroller.current.scrollTop = top;
    scrolled();
  };
  const showFresh = () => {
    feed.release();
    setChosen(null);
    scroller.current.scrollTop = 0;
    scrolled();
  };
  const pause = () => {
    feed.pause();
    redraw();
    say(feed.paused ? 'Nothing new is shown until you press space again' : 'Live again');
  };
  useEffect(() => bind('List of runs', keysOfList({
    list, it, choose, setMarked, pause, showFresh,
    first: () => view().first, clear: () => setChosen(null), filtered: () => isFiltered(filters), noFilters: () => noFilters(filters),
  }), { notes: SEARCH_HELP }), []);

  const loaded = list.rows.length;
  const { loading, failed, diagnostics } = feed.state;
  const drawn = rowsToDraw(rowsInView({ ...box, count: loaded }), loaded);
  const longest = useMemo(() => list.rows.reduce((most, run) => Math.max(most, run.durationMs ?? 0), 1), [loaded]);
  const scale = 10 ** Math.ceil(Math.log10(longest));
  const total = list.total ?? (list.more ? null : loaded);
  const blank = loaded === 0 && !loading;
  // A row that scrolls out lends its elements to the one that scrolls in.
  const slots = Math.ceil(box.height / box.row) + 2 * AROUND + 2;
  const inView = list.rows.slice(drawn.first, drawn.last + 1).map((run, at) => ({ run, index: drawn.first + at }));
  // Elements that stay in their order cost less than half; `aria-owns` says the order of the rows.
  const inSlots = [...inView].sort((a, b) => (a.index % slots) - (b.index % slots));
  const row = (run, index) => html`<${RunRow} key=${index % slots}
      run=${run} index=${index} top=${index * box.row} chosen=${run.runId === chosen} marked=${run.runId === marked}
    arrived=${it.arrivals?.has(run.runId)} gone=${list.gone.has(run.runId)} longest=${scale} began=${ago(millis(run.startedAt), now)} onPoint=${setChosen} />`;
  return html`<div class="notes">${diagnostics?.map((one) => html`<p class="note" data-tone="warn" key=${one.code}><span class="sign"
      aria-hidden="true">!</span><span><${Text} of=${one.message} /></span></p>`)}</div>
    <div class="table" hidden=${blank}>
      <div class="grid" id="list" role="grid" tabindex="0" aria-label="Runs" aria-rowcount=${total ?? -1} aria-activedescendant=${chosen ? `run-${chosen}` : undefined}>
        <${RunHead} sort=${filters.sort} />
        <div class="scroll rows" role="rowgroup" aria-owns=${inView.map(({ run }) => `run-${run.runId}`).join(' ')} ref=${scroller} onScroll=${onScroll}
            onPointerEnter=${() => { it.pointing = true; }} onPointerLeave=${() => { it.pointing = false; feed.looked(); }}>
          <div class="canvas" style=${{ height: `${loaded * box.row}px` }}>
            ${inSlots.map(({ run, index }) => row(run, index))}
            ${loading && loaded === 0 && Array.from({ length: 12 }, (_, at) => html`<div class="run ghost" key=${at}
                style=${{ transform: `translateY(${at * box.row}px)` }}><span class="pulse"></span></div>`)}
          </div>
          ${loaded > 0 && html`<div class="end faint">${failed ? html`<${Failure} error=${failed}
              retry=${() => feed.load()} />` : list.more ? 'Loading more …' : `That is all: ${counted(loaded, 'run')}`}</div>`}
        </div>
      </div>
      ${feed.fresh > 0 && html`<button id="fresh" class="pill" onClick=${showFresh}
          title=${feed.paused ? 'Go on and show them' : 'Show them'}>↑ ${number(feed.fresh)}${feed.isMoreFresh ? ' or more' : ''} new${feed.paused ? ', paused' : ''}</button>`}
      <footer class="foot"><span role="status">${total === null ? (loading ? 'Reading the runs …' : 'More than are loaded') : counted(total, 'run')}</span><${Hints} chosen=${chosen !== null} /><span class="grow"></span>
        <button class="button quiet" aria-pressed=${feed.paused} onClick=${pause} title="Space">${feed.paused ? '▶ Go on' : '‖ Pause'}</button>
        <${CopyMenu} text=${() => asText(list.rows)} json=${() => ({ schemaVersion: 1, runs: list.rows, more: list.more })} command=${commandOf(filters)} /></footer>
    </div>
    ${blank && html`<${Blank} failed=${failed} filters=${filters}
        retry=${() => { feed.state = { ...feed.state, loading: true, failed: null }; redraw(); feed.load(); }} />`}`;
}

/** The keys that matter most now. */
function Hints({ chosen }) {
  const keys = chosen
    ? [['⏎', 'open'], ['w', 'why'], ['d', 'compare'], ['m', 'mark'], ['c', 'copy id'], ['Esc', 'let go']]
    : [['j k', 'choose'], ['e', 'next failed'], ['/', 'search'], ['?', 'all keys']];
  return html`<span class="hints" aria-hidden="true">${keys.map(([key, words]) => html`<span key=${key}><kbd>${key}</kbd> ${words}</span>`)}</span>`;
}

/** What is shown if there is no row. */
function Blank({ failed, filters, retry }) {
  if (failed) return html`<div class="blank"><${Failure} error=${failed} retry=${retry} /></div>`;
  if (!isFiltered(filters)) return html`<${FirstRun} />`;
  return html`<div class="blank"><p class="big">No run matches</p><p>Runs that match later appear here by themselves.</p>
    <button class="button" onClick=${() => noFilters(filters)}>Clear the filters</button></div>`;
}
