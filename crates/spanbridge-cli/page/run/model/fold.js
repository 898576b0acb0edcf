// Which rows are shown: what is below a folded row is not, nor are settlements that a word on their job stands for.
import { SETTLED_ABOVE } from './rows.js';

/** The shown rows in order, and the place of each. */
export class Fold {
  constructor(rows, { folded = new Set(), settlements = false } = {}) {
    this.rows = rows;
    this.folded = new Uint8Array(rows.count);
    this.settlements = settlements;
    rows.ids.forEach((id, row) => { if (folded.has(id) && rows.hasChildren(row)) this.folded[row] = 1; });
    this.update();
  }

  /** Finds out anew what is shown. */
  update() {
    const { rows, folded } = this;
    this.shown = this.shown?.length === rows.count ? this.shown : new Int32Array(rows.count);
    this.place = this.place?.length === rows.count ? this.place : new Int32Array(rows.count);
    this.place.fill(-1);
    let count = 0;
    for (let row = 0; row < rows.count;) {
      const hidden = !this.settlements && (rows.flags[row] & SETTLED_ABOVE) !== 0;
      if (!hidden) {
        this.shown[count] = row;
        this.place[row] = count;
        count += 1;
      }
      row = folded[row] ? rows.next[row] : row + 1;
    }
    this.count = count;
    this.unshown = null;
  }

  /** How many rows are not shown: settlements that are marks on the bar of their work, and what is folded away. */
  get hidden() {
    if (this.unshown) return this.unshown;
    const { rows, settlements, place, count } = this;
    let marks = 0;
    if (!settlements) for (const [above, settled] of rows.settlements) if (place[above] >= 0 && !this.folded[above]) marks += settled.length;
    this.unshown = { marks, folded: rows.count - count - marks };
    return this.unshown;
  }

  /** Whether something is below a row that could be shown. */
  canFold(row) {
    const { rows } = this;
    if (!rows.hasChildren(row)) return false;
    return this.settlements || rows.next[row] - row - 1 > (rows.settlements.get(row)?.length ?? 0);
  }

  isFolded(row) {
    return this.folded[row] === 1;
  }

  set(row, folded) {
    if (!this.canFold(row) || this.isFolded(row) === folded) return;
    this.folded[row] = folded ? 1 : 0;
    this.update();
  }

  /** Folds or unfolds everything that is below something else. */
  setAll(folded) {
    for (let row = 0; row < this.rows.count; row += 1) this.folded[row] = folded && this.canFold(row) ? 1 : 0;
    this.update();
  }

  /** Folds everything from this depth on. */
  toDepth(depth) {
    for (let row = 0; row < this.rows.count; row += 1) this.folded[row] = this.rows.depth[row] >= depth && this.canFold(row) ? 1 : 0;
    this.update();
  }

  /** Shows a row: unfolds what is above it. */
  reveal(row) {
    let changed = false;
    if (!this.settlements && this.rows.flags[row] & SETTLED_ABOVE) {
      this.settlements = true;
      changed = true;
    }
    for (let above = this.rows.parent[row]; above >= 0; above = this.rows.parent[above]) {
      if (this.folded[above]) {
        this.folded[above] = 0;
        changed = true;
      }
    }
    if (changed) this.update();
  }

  /** The nearest row at or above this one that is shown. */
  nearest(row) {
    let at = row;
    while (at >= 0 && this.place[at] < 0) at = this.rows.parent[at];
    return at;
  }

  /** The ids of what is folded, to fold it again after a change. */
  ids() {
    const ids = new Set();
    this.folded.forEach((folded, row) => { if (folded) ids.add(this.rows.ids[row]); });
    return ids;
  }
}
