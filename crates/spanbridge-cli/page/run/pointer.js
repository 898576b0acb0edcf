// Pointing at the rows, the axis and the strip: choosing, folding, zooming, moving, and what is said of the row below the pointer.
import { timeInWhole } from './draw/minimap.js';
import { FOLDER, folderAt } from './draw/tree.js';
import { sentence } from './model/labels.js';

/** How long a pointer must rest on a row before its text is shown, in milliseconds. */
const REST = 450;

export class Pointer {
  constructor(stage) {
    this.stage = stage;
    this.view = stage.view;
    this.x = -1;
    this.place = -1;
    this.sweep = null;
    const own = { signal: this.view.life.signal };
    const { scroller, axis, strip } = stage;
    scroller.addEventListener('scroll', () => this.hideTip(), own);
    scroller.addEventListener('pointermove', (event) => this.#move(event), own);
    scroller.addEventListener('pointerleave', () => { this.x = -1; this.place = -1; this.hideTip(); stage.draw(); }, own);
    scroller.addEventListener('pointerdown', (event) => this.#press(event), own);
    scroller.addEventListener('dblclick', (event) => this.#zoomTo(event), own);
    for (const part of [scroller, axis, strip]) part.addEventListener('wheel', (event) => this.#wheel(event, part), { ...own, passive: false });
    strip.addEventListener('pointerdown', (event) => this.#sweep(event), own);
    axis.addEventListener('pointerdown', (event) => this.#drag(event), own);
    axis.addEventListener('dblclick', () => { this.view.scale.fit(); stage.draw(); }, own);
  }

  /** Where a pointer is, and over which row. */
  #at(event) {
    const { stage } = this;
    const box = stage.scroller.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const place = Math.floor((y + stage.scroll) / stage.height);
    return { x, y, place: place < stage.count ? place : -1 };
  }

  #isDivider(x) {
    return this.view.mode === 'timeline' && Math.abs(x - this.stage.tree) < 4;
  }

  #move(event) {
    const { x, place } = this.#at(event);
    this.x = x;
    if (place !== this.place) this.hideTip();
    this.place = place;
    this.stage.scroller.style.cursor = this.#isDivider(x) ? 'col-resize' : place >= 0 ? 'pointer' : '';
    if (place >= 0 && event.pointerType !== 'touch') {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#showTip(place, event), REST);
    }
    this.stage.draw();
  }

  #press(event) {
    if (event.button !== 0) return;
    const { view, stage } = this;
    const { x, place } = this.#at(event);
    this.hideTip();
    if (x > stage.scroller.clientWidth) return;
    if (this.#isDivider(x)) {
      this.#resize(event);
      return;
    }
    if (place < 0) return;
    const row = view.fold.shown[place];
    const folder = folderAt(view.rows, row, stage.tree);
    if (view.fold.canFold(row) && x >= folder - 4 && x < folder + FOLDER) {
      view.fold.set(row, !view.fold.isFolded(row));
      if (view.fold.place[view.selected] < 0) view.select(row);
      view.foldChanged();
    } else if (event.pointerType === 'touch') this.#tap(row);
    else view.select(row);
  }

  /** A finger may be about to scroll: it chooses when it is lifted where it was. */
  #tap(row) {
    const { view, stage } = this;
    const own = new AbortController();
    const from = stage.scroll;
    const ended = (event) => {
      own.abort();
      if (event.type === 'pointerup' && Math.abs(stage.scroll - from) < 4) view.select(row);
    };
    for (const name of ['pointerup', 'pointercancel']) stage.scroller.addEventListener(name, ended, { signal: own.signal });
  }

  #zoomTo(event) {
    const { x, place } = this.#at(event);
    if (place < 0 || x < this.stage.tree || this.view.mode !== 'timeline') return;
    this.view.zoomTo(this.view.fold.shown[place]);
  }

  #wheel(event, part) {
    const { view: { scale, mode }, stage } = this;
    if (!scale || mode !== 'timeline') return;
    const sideways = event.shiftKey ? event.deltaY : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    const zooms = event.ctrlKey || event.metaKey || event.altKey || (part !== stage.scroller && sideways === 0);
    if (!zooms && sideways === 0) return;
    event.preventDefault();
    const x = event.clientX - part.getBoundingClientRect().left;
    if (zooms) {
      const around = part === stage.strip ? timeInWhole(scale, x / stage.width) : scale.time(x - stage.tree, stage.bars);
      scale.zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) * 0.006), around);
    } else scale.pan(sideways / Math.max(stage.bars, 200));
    stage.draw();
  }

  /** Follows a pointer until it is lifted. */
  #track(event, move, done) {
    const own = new AbortController();
    event.preventDefault();
    const ended = (last) => { own.abort(); done?.(last); this.stage.draw(); };
    window.addEventListener('pointermove', (moved) => { move(moved); this.stage.draw(); }, { signal: own.signal });
    for (const name of ['pointerup', 'pointercancel']) window.addEventListener(name, ended, { signal: own.signal });
  }

  #resize(event) {
    const { stage } = this;
    const box = stage.scroller.getBoundingClientRect();
    this.#track(event, ({ clientX }) => stage.setShare((clientX - box.left) / stage.width), () => stage.keepShare());
  }

  /** Chooses a stretch of time in the strip; a click moves what is seen to there. */
  #sweep(event) {
    const { view: { scale }, stage } = this;
    const box = stage.strip.getBoundingClientRect();
    const at = ({ clientX }) => Math.min(Math.max(clientX - box.left, 0), box.width);
    const from = at(event);
    const time = (x) => timeInWhole(scale, x / box.width);
    this.#track(event, (moved) => { this.sweep = [from, at(moved)]; }, (last) => {
      this.sweep = null;
      const to = at(last);
      if (Math.abs(to - from) > 4) scale.show(time(Math.min(from, to)), time(Math.max(from, to)));
      else {
        if (!scale.isWhole) scale.moveTo(time(to), 0.5);
        stage.showPart((last.clientY - box.top) / box.height);
      }
    });
  }

  #drag(event) {
    let at = event.clientX;
    this.#track(event, ({ clientX }) => {
      this.view.scale.pan((at - clientX) / Math.max(this.stage.bars, 1));
      at = clientX;
    });
  }

  #showTip(place, event) {
    const { view, stage: { tip, element } } = this;
    const row = view.fold?.shown[place];
    if (row === undefined || this.place !== place || view.life.signal.aborted) return;
    tip.textContent = sentence(view.rows, row);
    tip.hidden = false;
    const box = element.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    tip.style.left = `${Math.max(4, Math.min(x + 12, box.width - tip.offsetWidth - 8))}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > box.height ? y - tip.offsetHeight - 10 : y + 18}px`;
  }

  hideTip() {
    clearTimeout(this.timer);
    this.stage.tip.hidden = true;
  }
}
