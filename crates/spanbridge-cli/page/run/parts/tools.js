// Searching, and what is shown: above the rows.
import { html } from '../../lib/html.js';
import { counted, number } from '../../lib/text.js';
import { attributesWith, nextIn } from '../model/walk.js';
import { Text } from '../../parts/text.js';

export function Tools({ view }) {
  const { found, fold, rows } = view;
  const at = found.rows.indexOf(view.selected);
  const ofRun = found.text ? attributesWith(rows, found.text) : [];
  const go = (by) => () => found.rows.length > 0 && view.select(nextIn(found.rows, view.selected, by));
  const onKeyDown = (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    go(event.shiftKey ? -1 : 1)();
  };
  const zoom = (by) => () => { view.scale.zoom(by); view.draw(); };
  return html`<div class="run-find">
      <input id="run-search" class="field" type="search" placeholder="Search spans  ( / )" value=${found.text} autocomplete="off" spellcheck=${false} aria-label="Search in this run"
        onInput=${(event) => view.search(event.target.value)} onKeyDown=${onKeyDown} />
      <span class="faint count" role="status">${found.text && (found.rows.length === 0 ? 'no match' : `${at >= 0 ? `${number(at + 1)} of ` : ''}${number(found.rows.length)}`)}</span>
      ${ofRun.length > 0 && html`<span class="dim clip of-run" role="status" title="Attributes of the run, which belong to its first span">in the run: <${Text} of=${ofRun[0]} max=${80} />${ofRun.length > 1 && ` and ${counted(ofRun.length - 1, 'more', 'more')}`}</span>`}
      ${found.rows.length > 0 && html`<button class="button quiet" onClick=${go(-1)} title="Match before (N)" aria-label="Match before">↑</button><button class="button quiet" onClick=${go(1)} title="Next match (n)" aria-label="Next match">↓</button>`}
    </div>
    <span class="grow"></span>
    <button class="button quiet" hidden=${!rows.path} aria-pressed=${view.pathOn} onClick=${() => view.setPath(!view.pathOn)} title="What the duration consists of, through queues (x)">Critical path</button>
    <button class="button quiet" hidden=${view.mode !== 'timeline' || view.waits.length === 0} aria-pressed=${view.isCut} onClick=${() => view.setCut(!view.isCut)} title="Long waits take little room (q)">Cut waits</button>
    <button class="button quiet" hidden=${rows.settlements.size === 0} aria-pressed=${fold.settlements} onClick=${() => view.setSettlements(!fold.settlements)} title="Settlements as rows of their own (s)">Settlements</button>
    <span class="group"><button class="button quiet" onClick=${() => { fold.setAll(true); view.foldChanged(); }} title="Fold everything ({)" aria-label="Fold everything">⊟</button><button class="button quiet" onClick=${() => { fold.setAll(false); view.foldChanged(); }} title="Unfold everything (})" aria-label="Unfold everything">⊞</button></span>
    <span class="group" hidden=${view.mode !== 'timeline'}><button class="button quiet" onClick=${zoom(1 / 1.6)} title="Zoom out (-)" aria-label="Zoom out">−</button><button class="button quiet" onClick=${() => { view.scale.fit(); view.draw(); }} title="Show all of the time (0)">Fit</button><button class="button quiet" onClick=${zoom(1.6)} title="Zoom in (+, or ctrl and the wheel)" aria-label="Zoom in">+</button></span>
    <button class="button quiet" onClick=${() => view.copyTree()} title="Copy the tree as text">Copy tree</button>`;
}
