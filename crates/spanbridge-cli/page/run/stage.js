// Where rows are drawn: the strip, the axis and the rows that are scrolled to.
import { drawAxis, drawRows } from './draw/timeline.js';
import { drawMinimap, drawWhole } from './draw/minimap.js';
import { readPalette } from './draw/palette.js';
import { sceneOf } from './draw/scene.js';
import { Surface } from './draw/surface.js';
import { Pointer } from './pointer.js';

const MINIMAP = 46;
/** The height of the axis; and of the line below it that says when the run was suspended. */
const AXIS = 24, REASONS = 20;
/** Browsers cut elements that are higher than this, in pixels. Then a step of the scroll bar is more than a row. */
const MAX_HEIGHT = 12_000_000;
const KEPT = 'spanbridge.tree';

export class Stage {
  constructor(element, view) {
    this.view = view;
    this.element = element;
    const make = (tag, name, parent = element) => {
      const made = document.createElement(tag);
      made.className = name;
      parent.append(made);
      return made;
    };
    this.strip = make('canvas', 'run-strip');
    this.strip.setAttribute('aria-hidden', 'true');
    this.axis = make('canvas', 'run-axis');
    this.axis.setAttribute('aria-hidden', 'true');
    this.scroller = make('div', 'run-rows');
    this.scroller.tabIndex = 0;
    this.scroller.id = 'run-rows';
    this.scroller.setAttribute('role', 'tree');
    this.scroller.setAttribute('aria-label', 'Spans of the run');
    this.spacer = make('div', 'run-space', this.scroller);
    const canvas = make('canvas', 'run-canvas', this.spacer);
    canvas.setAttribute('aria-hidden', 'true');
    this.current = make('div', 'hidden', this.scroller);
    this.tip = make('div', 'run-tip');
    this.tip.hidden = true;
    this.surfaces = { rows: new Surface(canvas), axis: new Surface(this.axis), strip: new Surface(this.strip) };
    this.whole = document.createElement('canvas');
    this.share = Number(localStorage.getItem(KEPT)) || 0;
    this.count = 0;
    this.#listen();
  }

  #listen() {
    const own = { signal: this.view.life.signal };
    const redraw = () => this.draw();
    for (const name of ['scroll', 'focus', 'blur']) this.scroller.addEventListener(name, redraw, own);
    this.resized = new ResizeObserver(() => this.layout());
    this.resized.observe(this.element);
    const themes = matchMedia('(prefers-color-scheme: light)');
    themes.addEventListener('change', () => { this.palette = null; this.wholeChanged(); redraw(); }, own);
    this.pointer = new Pointer(this);
  }

  close() {
    this.resized.disconnect();
    this.pointer.hideTip();
    cancelAnimationFrame(this.frame);
  }

  // Measures.

  get isNarrow() {
    return this.width < 620;
  }

  /** How wide the tree is. */
  get tree() {
    if (this.view.mode === 'tree') return this.width;
    const share = this.share || (this.isNarrow ? 0.58 : this.width < 1000 ? 0.53 : this.width < 1200 ? 0.5 : 0.42);
    return Math.round(Math.min(Math.max(this.width * share, 120), this.width - 80));
  }

  get axisHeight() {
    return this.view.suspensions?.length > 0 ? AXIS + REASONS : AXIS;
  }

  /** How wide the bars are. */
  get bars() {
    return this.surfaces.rows.width - this.tree;
  }

  /** Gives the tree this part of the width. */
  setShare(share) {
    this.share = Math.min(Math.max(share, 0.12), 0.85);
  }

  keepShare() {
    localStorage.setItem(KEPT, String(this.share));
  }

  get scroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const all = this.count * this.height;
    return all <= MAX_HEIGHT ? scrollTop : scrollTop * ((all - clientHeight) / Math.max(1, scrollHeight - clientHeight));
  }

  scrollTo(at) {
    const all = this.count * this.height;
    const { scrollHeight, clientHeight } = this.scroller;
    this.scroller.scrollTop = all <= MAX_HEIGHT ? at : at * ((scrollHeight - clientHeight) / Math.max(1, all - clientHeight));
  }

  get firstPlace() {
    return Math.ceil(this.scroll / this.height);
  }

  /** How many rows a page is. */
  get page() {
    return Math.max(1, Math.floor(this.viewHeight / this.height) - 1);
  }

  /** The first shown row and how far it is above the edge, to find it again after a change. */
  anchor() {
    const { rows, fold } = this.view;
    if (!rows || this.count === 0) return null;
    const place = Math.min(Math.floor(this.scroll / this.height), this.count - 1);
    return { id: rows.ids[fold.shown[place]], above: this.scroll - place * this.height, atTop: this.scroll < 1 };
  }

  keep(anchor) {
    if (!anchor || anchor.atTop) return;
    const row = this.view.fold.nearest(this.view.rows.rowOf(anchor.id));
    if (row >= 0) this.scrollTo(this.view.fold.place[row] * this.height + anchor.above);
  }

  layout() {
    const dense = this.view.mode === 'tree';
    const coarse = matchMedia('(pointer: coarse)').matches;
    this.width = this.element.clientWidth;
    this.palette = null;
    const size = Number.parseFloat(getComputedStyle(this.element).getPropertyValue('--size-m')) || 13;
    this.height = Math.round(size * (dense ? 1.7 : 2.1)) + (coarse ? 8 : 0);
    // Rows matter more than the strip where there is little room.
    this.strip.hidden = dense || this.element.clientHeight < 240;
    this.axis.hidden = dense;
    // They are above the rows, and leave them less.
    this.surfaces.axis.size(this.width, this.axisHeight);
    this.surfaces.strip.size(this.width, MINIMAP);
    this.viewHeight = this.scroller.clientHeight;
    const inner = this.scroller.clientWidth || this.width;
    this.surfaces.rows.size(inner, this.viewHeight);
    this.foldChanged();
    this.wholeChanged();
    this.draw();
  }

  foldChanged() {
    this.count = this.view.fold?.count ?? 0;
    this.spacer.style.height = `${Math.max(Math.min(this.count * this.height, MAX_HEIGHT), this.viewHeight || 0)}px`;
    this.stale = true;
  }

  wholeChanged() {
    this.stale = true;
  }

  /** Scrolls so that a row is seen, and shows its time if none of it is. */
  show(row) {
    const { rows, fold, scale } = this.view;
    const place = fold.place[row];
    if (place < 0 || !this.height) return;
    const [top, room] = [place * this.height, Math.min(this.height * 2, this.viewHeight / 3)];
    const scroll = this.scroll;
    if (top < scroll + room) this.scrollTo(Math.max(0, top - room));
    else if (top + this.height > scroll + this.viewHeight - room) this.scrollTo(top + this.height - this.viewHeight + room);
    const [from, to] = [rows.start[row], rows.endOf(row)];
    // One whose clock disagrees may be where the axis does not go.
    const { bounds } = scale;
    if (!scale.sees(from, to) && to >= bounds.from && from <= bounds.to) scale.moveTo(from, 0.2);
  }

  /** Scrolls to a part of all rows, as they are in the strip. */
  showPart(part) {
    this.scrollTo(part * Math.max(this.count, 8) * this.height - this.viewHeight / 2);
  }

  focus() {
    this.scroller.focus({ preventScroll: true });
  }

  /** The chosen row as an element, for those who hear it. */
  announce(item) {
    const { scroller, current } = this;
    if (!item) {
      current.removeAttribute('role');
      current.textContent = '';
      scroller.removeAttribute('aria-activedescendant');
      return;
    }
    const set = (name, value) => (value === null ? current.removeAttribute(name) : current.setAttribute(name, String(value)));
    current.id = 'run-current';
    set('role', 'treeitem');
    set('aria-selected', 'true');
    set('aria-level', item.level);
    set('aria-posinset', item.at);
    set('aria-setsize', item.of);
    set('aria-expanded', item.expanded);
    set('data-span', item.id);
    set('data-row', item.row);
    current.textContent = item.text;
    scroller.setAttribute('aria-activedescendant', 'run-current');
  }

  // Drawing.

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.#draw();
    });
  }

  #draw() {
    const { view, surfaces } = this;
    if (!view.rows || this.element.hidden || !this.width) return;
    const ratio = window.devicePixelRatio || 1;
    if (!this.palette || this.palette.ratio !== ratio) {
      this.palette = readPalette(this.element, ratio);
      for (const surface of Object.values(surfaces)) surface.size(surface.width, surface.height);
      this.stale = true;
    }
    const scroll = this.scroll;
    const it = {
      ...sceneOf(view), palette: this.palette, height: this.height, scroll, view: this.viewHeight, tree: this.tree, pointer: this.pointer.x,
      hovered: this.pointer.place, focused: document.activeElement === this.scroller, sweep: this.pointer.sweep,
      top: (place) => Math.round(place * this.height - scroll),
    };
    drawRows(surfaces.rows.begin(), it, surfaces.rows.width, surfaces.rows.height);
    if (it.dense) return;
    drawAxis(surfaces.axis.begin(), it, surfaces.rows.width, { ticks: AXIS, all: this.axisHeight });
    if (this.stale) {
      drawWhole(this.whole, it, this.width, MINIMAP - 8);
      this.stale = false;
    }
    const ctx = surfaces.strip.begin();
    ctx.translate(0, 4);
    drawMinimap(ctx, it, this.whole, this.width, MINIMAP - 8);
  }
}
