// The keys of a run.
import { firstChild, nextIn, sibling } from './model/walk.js';

/** What each key does in a view of a run, in groups `{title, bindings}`. A function that returns `false` leaves the key to others. */
export function bindings(view) {
  const ready = (run) => (event) => (view.rows && view.rows.count > 0 ? run(event) : false);
  // In the details, arrows and page keys scroll, as everywhere.
  const scrolls = (event) => event.key.length > 1 && view.side.contains(document.activeElement);
  const onRows = (run) => ready((event) => (view.mode === 'services' || scrolls(event) ? false : run(event)));
  const chosen = (run) => onRows((event) => (view.selected < 0 ? false : run(view.selected, event)));
  const place = () => view.fold.place[view.selected] ?? -1;
  const toPlace = (at) => to(view.fold.shown[Math.min(Math.max(at, 0), view.fold.count - 1)]);
  const move = (by) => onRows(() => (view.selected < 0 ? toPlace(view.stage.firstPlace) : toPlace(place() + by)));
  const to = (row) => {
    if (row < 0) return;
    // What is chosen is said where the keyboard is.
    if (!view.element.contains(document.activeElement)) view.stage.focus();
    view.select(row);
  };
  const next = (list, what, by) => ready(() => {
    if (list().length === 0) return view.ctx.say(what === 'finding' && !view.findings ? 'Doctor has not answered yet.' : `There is no ${what} in this run.`);
    return to(nextIn(list(), view.selected, by));
  });
  const found = () => [...view.rows.findings.keys()].sort((a, b) => a - b);
  const changed = () => { view.foldChanged(); view.select(view.fold.nearest(view.selected)); };
  const zoom = (by) => onRows(() => {
    const { rows, selected, scale } = view;
    const inside = selected >= 0 && scale.sees(rows.start[selected], rows.start[selected]);
    scale.zoom(by, inside ? rows.start[selected] : undefined);
    view.draw();
  });
  const pan = (by) => onRows(() => { view.scale.pan(by); view.draw(); });

  const groups = [
    { title: 'Rows', bindings: [
      { keys: ['j', 'ArrowDown'], label: 'Next span', run: move(1) },
      { keys: ['k', 'ArrowUp'], label: 'Span before', run: move(-1) },
      { keys: ['PageDown'], label: 'A page on', run: onRows(() => toPlace((view.selected < 0 ? view.stage.firstPlace : place()) + view.stage.page)) },
      { keys: ['PageUp'], label: 'A page back', run: onRows(() => toPlace(place() - view.stage.page)) },
      { keys: ['Home'], label: 'First span', run: onRows(() => toPlace(0)) },
      { keys: ['End', '>'], label: 'Last span', run: onRows(() => toPlace(view.fold.count - 1)) },
      { keys: ['ArrowRight'], label: 'Unfold, or first child', run: chosen((row) => {
        if (view.fold.isFolded(row)) { view.fold.set(row, false); changed(); } else if (view.fold.canFold(row)) to(firstChild(view.rows, row));
      }) },
      { keys: ['ArrowLeft'], label: 'Fold, or parent', run: chosen((row) => {
        if (view.fold.canFold(row) && !view.fold.isFolded(row)) { view.fold.set(row, true); changed(); } else to(view.rows.parent[row]);
      }) },
      { keys: ['Space'], label: 'Fold or unfold', run: chosen((row) => { view.fold.set(row, !view.fold.isFolded(row)); changed(); }) },
      { keys: ['u'], label: 'Parent', run: chosen((row) => to(view.rows.parent[row])) },
      { keys: ['i'], label: 'First child', run: chosen((row) => to(firstChild(view.rows, row))) },
      { keys: [']'], label: 'Next sibling', run: chosen((row) => to(sibling(view.rows, row, 1))) },
      { keys: ['['], label: 'Sibling before', run: chosen((row) => to(sibling(view.rows, row, -1))) },
      { keys: ['a'], label: 'Fold everything, or unfold it', run: onRows(() => { view.fold.setAll(!view.fold.folded.includes(1)); changed(); }) },
      { keys: ['{'], label: 'Fold everything', run: onRows(() => { view.fold.setAll(true); changed(); }) },
      { keys: ['}'], label: 'Unfold everything', run: onRows(() => { view.fold.setAll(false); changed(); }) },
    ] },
    { title: 'Find', bindings: [
      { keys: ['e'], label: 'Next error', run: next(() => view.rows.errors, 'error', 1) },
      { keys: ['E'], label: 'Error before', run: next(() => view.rows.errors, 'error', -1) },
      { keys: ['g'], label: 'Next finding of doctor', run: next(found, 'finding', 1) },
      { keys: ['G'], label: 'Finding before', run: next(found, 'finding', -1) },
      { keys: ['/'], label: 'Search in the run', run: ready(() => document.getElementById('run-search').select()) },
      { keys: ['n'], label: 'Next match', run: next(() => view.found.rows, 'match', 1) },
      { keys: ['N', 'p'], label: 'Match before', run: next(() => view.found.rows, 'match', -1) },
      { keys: ['f'], label: 'Follow a link', run: chosen(() => {
        const links = [...view.side.querySelectorAll('[data-follow]')];
        if (links.length === 0) return view.ctx.say('This span has no links.');
        return links.length === 1 ? links[0].click() : links[0].focus();
      }) },
    ] },
    { title: 'Show', bindings: [
      { keys: ['x'], label: 'Critical path', run: ready(() => view.setPath(!view.pathOn)) },
      { keys: ['s'], label: 'Settlements as rows', run: onRows(() => view.setSettlements(!view.fold.settlements)) },
      { keys: ['+', '='], label: 'Zoom in', run: zoom(1.6) },
      { keys: ['-'], label: 'Zoom out', run: zoom(1 / 1.6) },
      { keys: ['0'], label: 'Show all of the time', run: onRows(() => { view.scale.fit(); view.draw(); }) },
      { keys: ['q'], label: 'Cut long waits short', run: onRows(() => view.setCut(!view.isCut)) },
      { keys: ['z'], label: 'Zoom to the span and its wait', run: chosen((row) => view.zoomTo(row)) },
      { keys: ['h'], label: 'Earlier', run: pan(-0.2) },
      { keys: ['l'], label: 'Later', run: pan(0.2) },
      { keys: ['Enter'], label: 'To the details', run: chosen(() => { view.side.querySelector('h2')?.focus(); }) },
      { keys: ['t'], label: 'Copy the span as text', run: chosen(() => view.copyRow('text')) },
      { keys: ['J'], label: 'Copy the span as JSON', run: chosen(() => view.copyRow('json')) },
      { keys: ['Y'], label: 'Copy a link to the span', run: chosen(() => view.copyRow('link')) },
      { keys: ['Escape'], label: 'Leave the search, then the span', always: true, run: (event) => {
        if (event.target.id === 'run-search' || view.found.text) {
          view.search('');
          view.stage.focus();
          return undefined;
        }
        if (view.side.contains(document.activeElement)) return view.stage.focus();
        if (view.selected < 0) return false;
        return view.select(-1);
      } },
    ] },
  ];
  // The help shows the nearest group first, which is the one that was bound last.
  return groups.reverse();
}
