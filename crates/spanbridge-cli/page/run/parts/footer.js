// Where one is, and what the signs mean.
import { html } from '../../lib/html.js';
import { counted, number } from '../../lib/text.js';

export function Footer({ view }) {
  const { rows, fold, selected } = view;
  const depth = selected < 0 ? '' : `, depth ${number(rows.depth[selected])}`;
  const shown = fold.count === rows.count ? 'All spans shown' : `${number(fold.count)} of ${counted(rows.count, 'span')} shown`;
  const where = selected < 0 ? shown : `Span ${number(fold.place[selected] + 1)} of ${number(fold.count)}${depth}`;
  const { marks, folded } = fold.hidden;
  return html`<span class="clip" id="run-where">${where}</span>
    ${marks > 0 && html`<button class="link unshown" onClick=${() => view.setSettlements(true)} title="Show them as rows, too (s)">${counted(marks, 'settlement')} as ${marks === 1 ? 'a mark' : 'marks'}</button>`}
    ${folded > 0 && html`<button class="link unshown" onClick=${() => { fold.setAll(false); view.foldChanged(); }} title="Unfold everything (})">${number(folded)} folded away</button>`}
    <span class="grow"></span>
    <span class="legend" aria-hidden="true"><span><i data-kind="queue"></i>in a queue</span><span><i data-kind="suspended"></i>suspended</span><span><i data-kind="settled"></i>settled</span>${Object.keys(rows.sparse.eventTimes).length > 0 && html`<span><i data-kind="event"></i>event</span>`}<span><i data-kind="failed"></i>failed</span><span><i data-kind="open"></i>open</span><span><i data-kind="skewed"></i>not computed</span><span><i data-kind="path"></i>critical path</span></span>
    <span class="faint keyhint"><kbd>j</kbd> <kbd>k</kbd> move <kbd>e</kbd> error <kbd>f</kbd> link <kbd>?</kbd> keys</span>`;
}
