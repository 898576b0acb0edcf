// The view of a run: what is chosen, seen and searched for, and when what is drawn.
import { copy, copyJson, copyLink } from '../lib/copy.js';
import { Details, loadFindings, loadRows } from './load.js';
import { Fold } from './model/fold.js';
import { Scale } from './model/scale.js';
import { sentence } from './model/labels.js';
import { matches, position } from './model/walk.js';
import { suspensionsOf } from './model/suspensions.js';
import { isMostlyWaiting, longWaits } from './model/warp.js';
import { Stage } from './stage.js';
import { bindings } from './keys.js';
import { treeText } from './model/text.js';
import { Frame } from './frame.js';
import { Refresher } from './refresh.js';

/** How long a selection must rest before it is in the address, and before its details are asked for, in milliseconds. */
const SETTLE = 250, DETAILS = 90;
/** How long reading a run waits until it is followed, in milliseconds: then one reading misses nothing. */
const FOLLOW_FIRST = 400;
/** How long a run must be looked at before doctor is asked, which may take it a while; and how long it must rest until it is asked again. */
const ASK_FIRST = 500, ASK_AGAIN = 4000;

export class View {
  constructor(element, ctx) {
    this.element = element;
    this.ctx = ctx;
    this.rows = null;
    this.fold = null;
    this.isCut = false;
    this.isUnsettled = false;
    this.refresher = new Refresher(() => this.refresh());
    this.selected = -1;
    this.found = { text: '', rows: [], set: new Set() };
    this.pathOn = ctx.params.get('path') === '1';
    this.details = new Details(ctx.api);
    this.life = new AbortController();
    this.panelState = { details: null, failed: null };
    this.timers = {};
  }

  get mode() {
    const view = this.ctx.params.get('view');
    return view === 'tree' || view === 'services' ? view : 'timeline';
  }

  // From the shell.

  async open() {
    this.frame = new Frame(this.element, this);
    this.side = this.frame.side;
    // Who leaves by a link comes back to what is chosen now.
    const leaves = (event) => this.isUnsettled && event.target.closest('a') && this.#settle();
    this.element.addEventListener('click', leaves, { capture: true, signal: this.life.signal });
    this.stage = new Stage(this.frame.main, this);
    this.#layout();
    const unbinds = bindings(this).map(({ title, bindings: keys }) => this.ctx.bind(title, keys));
    this.unbind = () => unbinds.forEach((unbind) => unbind());
    const before = this.ctx.recall();
    const isKnown = before?.rows && before.id === this.ctx.id;
    if (isKnown) {
      this.#take(before.rows, { folded: before.folded, settlements: before.settlements });
      this.#restore(before.light);
    } else this.frame.waiting();
    await this.#follow();
    if (this.life.signal.aborted) return;
    // What came while nobody looked is in no event.
    if (isKnown) this.refresher.now();
    else {
      await this.#load();
      if (before?.light) this.#restore(before.light);
    }
  }

  update(ctx) {
    const span = ctx.params.get('span');
    // Back, or Forward: where it leads is newer than a selection that is not in the address yet.
    if (ctx.entry !== this.ctx.entry) {
      clearTimeout(this.timers.settle);
      this.isUnsettled = false;
    }
    this.ctx = ctx;
    this.pathOn = ctx.params.get('path') === '1';
    this.#layout();
    if (!this.rows) return;
    // A selection that is not in the address yet is newer than the address.
    if (!this.isUnsettled && (span ?? '') !== (this.rows.ids[this.selected] ?? '')) {
      const row = span ? this.rows.rowOf(span) : -1;
      this.select(row, { settle: false });
      this.#restore(ctx.recall()?.light);
    }
    this.draw();
  }

  close() {
    // First: the address is another one already, and what is chosen here must not get into it.
    this.life.abort();
    this.#settle();
    this.details.controller?.abort();
    Object.values(this.timers).forEach(clearTimeout);
    this.unbind?.();
    this.unfollow?.();
    this.refresher.stop();
    this.stage?.close();
    this.frame.close();
    this.element.replaceChildren();
  }

  // Loading.

  async #load() {
    try {
      this.#take(await loadRows(this.ctx.api, this.ctx.id, this.life.signal));
    } catch (error) {
      if (error.name === 'AbortError') return;
      // What is not here is not followed either.
      this.unfollow?.();
      this.unfollow = null;
      this.frame.failed(error, () => { this.frame.waiting(); this.#follow().then(() => this.#load()); });
    }
  }

  /** Shows these rows. What was chosen and folded stays so, as far as it is there. */
  #take(rows, { folded = this.fold?.ids(), settlements = this.fold?.settlements } = {}) {
    const chosen = this.rows && this.selected >= 0 ? this.rows.ids[this.selected] : this.ctx.params.get('span') ?? rows.selected;
    const anchor = this.stage.anchor();
    const shown = !this.rows || this.scale.isWhole ? null : [this.scale.time(0, 1), this.scale.time(1, 1)];
    if (this.rows && this.rows.run.runId === rows.run.runId && this.findings) rows.setFindings(this.findings);
    const known = this.rows !== null;
    this.rows = rows;
    this.fold = new Fold(rows, { folded, settlements });
    if (!folded) this.#foldAtFirst();
    this.suspensions = suspensionsOf(rows);
    this.waits = longWaits(rows, this.suspensions);
    if (!known) this.isCut = isMostlyWaiting(rows, this.waits);
    const scale = new Scale(rows.bounds);
    if (this.isCut) scale.cut(this.waits);
    // The same times as before, also if the run has become longer.
    if (shown) scale.show(...shown);
    this.scale = scale;
    this.selected = -1;
    this.#search();
    this.ctx.describe({ ...rows.run, services: rows.tables.services });
    this.foldChanged();
    this.stage.wholeChanged();
    this.#layout();
    this.stage.keep(anchor);
    if (chosen) this.select(rows.rowOf(chosen), { settle: this.ctx.params.get('span') === null, anchored: anchor !== null });
    this.frame.all();
    this.draw();
    performance.mark('run:shown');
    clearTimeout(this.timers.findings);
    this.timers.findings = setTimeout(() => this.#findings(), this.findings ? ASK_AGAIN : ASK_FIRST);
  }

  /** Many child runs are a list at first. */
  #foldAtFirst() {
    const { rows, fold } = this;
    const begins = Object.keys(rows.sparse.run).map(Number);
    if (begins.length <= 8 || rows.count < 300) return;
    begins.forEach((row) => { fold.folded[row] = fold.canFold(row) ? 1 : 0; });
    fold.update();
  }

  async #findings() {
    const rows = this.rows;
    const found = await loadFindings(this.ctx.api, rows, this.life.signal);
    if (this.life.signal.aborted) return;
    this.isUnchecked = found === null;
    this.findings = found ?? this.findings;
    if (this.rows !== rows) return;
    if (found) rows.setFindings(found);
    this.frame.all();
    this.draw();
  }

  /** Follows the run. What changes after the first event is told; so what is read after it need not be read again. */
  #follow() {
    return new Promise((ready) => {
      let [isFirst, isLate] = [true, false];
      const late = () => { isLate ||= isFirst; ready(); };
      const timer = setTimeout(late, FOLLOW_FIRST);
      const begun = () => { isFirst = false; clearTimeout(timer); ready(); };
      this.unfollow = this.ctx.follow({ runId: this.ctx.id }, {
        runs: (rows) => {
          if (rows.length > 0 || (isFirst && isLate)) this.refresher.changed();
          begun();
        },
        resync: () => { begun(); this.refresher.changed(); },
        state: (state) => {
          // Whoever reads the run then is told why.
          if (state.name === 'lost' || state.name === 'resting') late();
          this.ctx.connection(state);
        },
      });
    });
  }

  /** Loads the run anew: it has changed. */
  async refresh() {
    try {
      const rows = await loadRows(this.ctx.api, this.ctx.id, this.life.signal);
      this.details.forget();
      this.#take(rows);
      if (this.selected >= 0) this.#loadDetails();
    } catch {
      // The connection says that it is lost; the next event asks again.
    }
  }

  // What is chosen.

  /** Chooses a row (-1: none), and shows it. */
  select(row, { settle = true, anchored = false } = {}) {
    if (!this.rows) return;
    if (row >= 0) this.fold.reveal(row);
    const had = this.selected >= 0;
    this.selected = row;
    if (row >= 0 && this.fold.count !== this.stage.count) this.foldChanged();
    if (had !== row >= 0) this.#layout();
    if (row >= 0 && !anchored) this.stage.show(row);
    this.#announce();
    const known = row >= 0 ? this.details.get(this.rows, row) : null;
    // A run that changes is loaded anew: what is read there stays until its details are, too.
    const shown = this.panelState.details;
    const stays = row >= 0 && shown?.span.spanId === this.rows.ids[row] ? shown : null;
    this.panelState = { details: known ?? stays, failed: null };
    this.frame.panel();
    if (row >= 0 && !known) {
      clearTimeout(this.timers.details);
      this.timers.details = setTimeout(() => this.#loadDetails(), DETAILS);
    }
    if (settle) {
      this.isUnsettled = true;
      clearTimeout(this.timers.settle);
      this.timers.settle = setTimeout(() => this.#settle(), SETTLE);
    }
    this.draw();
  }

  async #loadDetails() {
    const [rows, row] = [this.rows, this.selected];
    if (row < 0) return;
    try {
      const details = await this.details.load(rows, row);
      if (rows === this.rows && row === this.selected) this.panelState = { details, failed: null };
    } catch (error) {
      if (error.name === 'AbortError' || row !== this.selected) return;
      this.panelState = { details: null, failed: error };
    }
    this.frame.panel();
    this.draw();
  }

  /** Puts what is chosen into the address, and remembers what is seen. */
  #settle() {
    clearTimeout(this.timers.settle);
    this.isUnsettled = false;
    if (!this.rows) return;
    const span = this.rows.ids[this.selected] ?? null;
    this.ctx.remember({
      id: this.ctx.id, rows: this.rows, folded: this.fold.ids(), settlements: this.fold.settlements,
      light: { scroll: this.stage.scroll, window: this.scale.isWhole ? null : this.scale.window, cut: this.isCut },
    });
    if (!this.life.signal.aborted && span !== this.ctx.params.get('span')) this.ctx.setParams({ span }, { replace: true });
  }

  #restore(light) {
    if (!light || !this.rows) return;
    if (light.cut !== this.isCut) this.setCut(light.cut);
    if (light.window) this.scale.showWindow(light.window);
    this.stage.scrollTo(light.scroll);
    this.draw();
  }

  /** Goes along a link: Back returns to here. */
  goTo(row) {
    this.#settle();
    this.ctx.setParams({ span: this.rows.ids[row] });
  }

  /** Goes to a span that may be in another run. */
  async goToSpan(spanId, runId) {
    const row = this.rows.rowOf(spanId);
    if (row >= 0) return this.goTo(row);
    this.#settle();
    if (runId) return this.ctx.navigate(`/runs/${runId}?span=${spanId}`);
    try {
      const { runIds } = await this.ctx.api.get(`/api/v1/find/${spanId}`);
      if (runIds?.[0]) return this.ctx.navigate(`/runs/${runIds[0]}?span=${spanId}`);
    } catch (error) {
      if (error.status !== 404) return this.ctx.say(error.message);
    }
    return this.ctx.say('That span is not recorded here.');
  }

  /** The spans that the chosen one is related to: relations of the run, and links once its details are here. */
  relations(row) {
    const out = [...this.rows.related(row)];
    const details = row === this.selected ? this.panelState.details : null;
    for (const link of details?.span.links ?? []) {
      const other = this.rows.rowOf(link.spanId);
      if (other >= 0) out.push({ row: other, type: 'link', outgoing: true });
    }
    for (const link of details?.span.linkedFrom ?? []) {
      const other = this.rows.rowOf(link.spanId);
      if (other >= 0) out.push({ row: other, type: 'link', outgoing: false });
    }
    return out;
  }

  // What is searched for.

  search(text) {
    this.found.text = text;
    this.#search();
    const { rows } = this.found;
    if (rows.length > 0 && !this.found.set.has(this.selected)) this.select(rows.find((row) => row >= this.selected) ?? rows[0]);
    this.frame.all();
    this.draw();
  }

  #search() {
    this.found.rows = this.rows ? matches(this.rows, this.found.text) : [];
    this.found.set = new Set(this.found.rows);
  }

  // What is shown.

  foldChanged() {
    this.pathRows = null;
    this.stage.foldChanged();
    this.frame.footer();
    this.draw();
  }

  /** Shows the time of a row and of its wait. */
  zoomTo(row) {
    const { rows, fold } = this;
    const until = fold.isFolded(row) ? rows.lastEnd[row] : rows.endOf(row);
    this.scale.around(rows.start[row] - (rows.sparse.queued[row] ?? 0), until);
    this.draw();
  }

  setPath(on) {
    if (!this.rows?.path) return;
    this.ctx.setParams({ path: on ? '1' : null }, { replace: true });
    this.frame.all();
  }

  /** Cuts long waits short, or shows them in full. */
  setCut(on) {
    this.isCut = on && this.waits.length > 0;
    this.scale.cut(this.isCut ? this.waits : []);
    this.stage.wholeChanged();
    this.frame.all();
    this.draw();
  }

  setSettlements(on) {
    this.fold.settlements = on;
    this.fold.update();
    if (this.selected >= 0) this.selected = this.fold.nearest(this.selected);
    this.foldChanged();
    this.frame.all();
  }

  copyTree() {
    return copy(treeText(this.rows, this.fold), 'Tree');
  }

  copyRow(as) {
    if (this.selected < 0) return undefined;
    if (as === 'link') return copyLink(`/runs/${this.rows.run.runId}?span=${this.rows.ids[this.selected]}`);
    if (as === 'json' && this.panelState.details) return copyJson(this.panelState.details.span, 'Span');
    return copy(sentence(this.rows, this.selected), 'Span');
  }

  draw() {
    this.stage?.draw();
  }

  /** Arranges and draws everything. */
  #layout() {
    this.frame.arrange();
    if (!this.rows) return;
    this.frame.all();
    this.stage.layout();
  }

  /** Tells what is chosen to those who do not see it. */
  #announce() {
    const { rows, selected: row } = this;
    if (row < 0) return this.stage.announce(null);
    const { at, of } = position(rows, row);
    const expanded = this.fold.canFold(row) ? !this.fold.isFolded(row) : null;
    return this.stage.announce({ id: rows.ids[row], text: sentence(rows, row), level: rows.depth[row] + 1, at, of, expanded, row });
  }
}
