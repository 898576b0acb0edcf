// The keys of the list of runs.
import { copy, copyLink } from '../lib/copy.js';
import { navigate } from '../lib/router.js';
import { say } from '../lib/say.js';
import { outcome } from '../lib/status.js';

/** Bindings for `keys.js`. `it` has what is true when a key is pressed: `chosen`, `marked`, `box`. */
export function keysOfList({ list, it, choose, setMarked, pause, showFresh, first, clear, filtered, noFilters }) {
  const page = () => Math.max(1, Math.floor(it.box.height / it.box.row) - 1);
  const move = (by) => {
    const at = list.indexOf(it.chosen);
    choose(at < 0 ? first() + (by > 0 ? 0 : by) : at + by);
  };
  /** The next run in which something failed. */
  const failed = (by) => {
    const bad = (run) => ['bad', 'warn'].includes(outcome(run).tone);
    const from = list.indexOf(it.chosen);
    for (let at = from < 0 ? first() : from + by; at >= 0 && at < list.rows.length; at += by) if (bad(list.rows[at])) return choose(at);
    return say(by > 0 ? 'There is no failed run further down.' : 'There is no failed run further up.');
  };
  const withChosen = (run) => () => (it.chosen === null ? false : run(it.chosen));
  return [
    { keys: ['j', 'ArrowDown'], label: 'Next run', run: () => move(1) },
    { keys: ['k', 'ArrowUp'], label: 'Run before', run: () => move(-1) },
    { keys: ['e'], label: 'Next run that failed', run: () => failed(1) },
    { keys: ['E'], label: 'Failed run before', run: () => failed(-1) },
    { keys: ['PageDown'], label: 'A page on', run: () => move(page()) },
    { keys: ['PageUp'], label: 'A page back', run: () => move(-page()) },
    { keys: ['Home'], label: 'First run', run: () => choose(0) },
    { keys: ['End', '>'], label: 'Last run that is loaded', run: () => choose(list.rows.length - 1) },
    { keys: ['Enter', 'o'], label: 'Open the run', run: withChosen((id) => navigate(`/runs/${id}`)) },
    { keys: ['w'], label: 'Why did it fail?', run: withChosen((id) => navigate(`/runs/${id}?view=why`)) },
    { keys: ['m'], label: 'Mark to compare with', run: withChosen((id) => setMarked((old) => (old === id ? null : id))) },
    {
      keys: ['d'],
      label: 'Compare with the marked, or the last good run',
      run: withChosen((id) => navigate(it.marked && it.marked !== id ? `/diff/${it.marked}/${id}` : `/diff/${id}/last-good`)),
    },
    { keys: ['c'], label: 'Copy its id', run: withChosen((id) => copy(id, 'Id')) },
    { keys: ['y'], label: 'Copy a link to it', run: withChosen((id) => copyLink(`/runs/${id}`)) },
    { keys: ['/'], label: 'Search', run: () => document.getElementById('search').select() },
    { keys: ['Space'], label: 'Pause or go on', run: pause },
    { keys: ['n'], label: 'Show what is new', run: showFresh },
    {
      keys: ['Escape'],
      label: 'Choose nothing, then clear filters',
      run: () => {
        if (it.chosen !== null) clear();
        else if (it.marked !== null) setMarked(null);
        else if (filtered()) noFilters();
        else return false;
        return undefined;
      },
    },
  ];
}
