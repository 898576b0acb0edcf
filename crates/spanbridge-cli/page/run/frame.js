// The elements of the view: what is where, and what is drawn anew.
import { html, render } from '../lib/html.js';
import { Failure } from '../parts/failure.js';
import { Facts } from './parts/facts.js';
import { Tools } from './parts/tools.js';
import { Panel } from './parts/panel.js';
import { Footer } from './parts/footer.js';
import { ServiceMap } from './parts/services.js';

export class Frame {
  constructor(element, view) {
    this.view = view;
    const place = (name, tag = 'div') => {
      const made = document.createElement(tag);
      made.className = name;
      return made;
    };
    this.facts = place('facts');
    this.tools = place('run-tools');
    this.body = place('run-body');
    this.main = place('run-main');
    this.side = place('run-panel', 'aside');
    this.side.setAttribute('aria-label', 'The chosen span');
    this.map = place('run-map scroll');
    this.foot = place('run-foot');
    this.blank = place('run-blank');
    this.body.append(this.main, this.map, this.side);
    element.replaceChildren(this.facts, this.tools, this.body, this.foot, this.blank);
  }

  close() {
    for (const place of [this.facts, this.tools, this.side, this.map, this.foot, this.blank]) render(null, place);
  }

  /** Says that the run is being read. */
  waiting() {
    this.blank.hidden = false;
    render(html`<div class="blank"><span class="run-wait pulse"></span><p class="faint">Reading the run</p></div>`, this.blank);
  }

  /** Says why there is nothing to show. */
  failed(error, retry) {
    render(html`<div class="blank"><${Failure} error=${error} retry=${retry} /></div>`, this.blank);
  }

  /** Shows the parts that the view has now, and hides the others. */
  arrange() {
    const { view } = this;
    const ready = view.rows !== null;
    const isMap = view.mode === 'services';
    for (const part of [this.facts, this.body]) part.hidden = !ready;
    this.tools.hidden = !ready || isMap;
    this.main.hidden = isMap;
    this.map.hidden = !isMap;
    this.side.hidden = view.selected < 0 || isMap;
    this.foot.hidden = !ready || isMap;
    if (ready) this.blank.hidden = true;
    this.body.dataset.mode = view.mode;
  }

  all() {
    const { view } = this;
    if (!view.rows) return;
    render(html`<${Facts} view=${view} />`, this.facts);
    render(html`<${Tools} view=${view} />`, this.tools);
    render(view.mode === 'services' ? html`<${ServiceMap} view=${view} rows=${view.rows} />` : null, this.map);
    this.panel();
  }

  panel() {
    const { view } = this;
    const shown = view.rows && view.selected >= 0 && view.mode !== 'services';
    render(shown ? html`<${Panel} key=${view.rows.ids[view.selected]} view=${view} row=${view.selected} ...${view.panelState} />` : null, this.side);
    this.footer();
  }

  footer() {
    if (this.view.rows) render(html`<${Footer} view=${this.view} />`, this.foot);
  }
}
