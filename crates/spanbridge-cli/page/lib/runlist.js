// The rows of the list, and what arrives while someone reads them. Nothing here touches the page.
import { matches } from './filters.js';

/** How many rows stay without being looked at, and how many that nobody has seen yet: a page that is open for weeks must not grow. */
const [MOST_ROWS, MOST_FRESH] = [2000, 1000];
/** How many rows behind the last one that is looked at stay in any case. */
const BEHIND = 500;

/**
 * Rows in the order of the list. What is new goes in at its place if that moves nothing that is looked at; else it is held, and counted
 * in `fresh`.
 */
export class RunList {
  constructor(filters) {
    this.filters = filters;
    this.rows = [];
    this.byId = new Map();
    this.held = new Map();
    /** Runs that came and were not seen yet. */
    this.fresh = new Set();
    /** Rows that are shown although the filters no longer let them in: what is looked at does not move. */
    this.gone = new Set();
    /** Runs that came by themselves while the server is asked. */
    this.recent = null;
    /** Whether more came than is kept for who does not look: then the list has to begin anew. */
    this.missed = false;
    /** Whether the server has more. */
    this.more = true;
    this.total = null;
    this.page = 1;
  }

  /** Adds rows that were asked for, behind those that are there. Returns how many were new. */
  append(rows) {
    let added = 0;
    for (const row of rows) {
      if (this.byId.has(row.runId)) this.#update(row);
      else {
        this.#put(this.rows.length, row);
        added += 1;
      }
    }
    return added;
  }

  /** What to ask for next: the pairs that lead behind the last row. */
  next(limit) {
    const last = this.rows.at(-1);
    const { sort } = this.filters;
    const base = [['limit', String(limit)]];
    if (last === undefined) return base;
    // A page by number would shift with every run that arrives; a time does not.
    if (sort === 'newest') base.push(['until', nextNano(last.startedAt)]);
    else if (sort === 'oldest') base.push(['since', last.startedAt]);
    if (this.page > 1) base.push(['page', String(this.page)]);
    return base;
  }

  /** Takes the answer to `next`. */
  arrived({ rows, more }) {
    const hadNone = this.rows.length === 0;
    const added = this.append(rows);
    this.more = more;
    // Many runs that began at one moment fill a page: then the next page of the same question.
    if (!this.#isByTime || (added === 0 && !hadNone)) this.page += 1;
    else this.page = 1;
    return added;
  }

  /**
   * Takes rows that are new or have changed. `view` says what is looked at: `{first, last, following}`, indices of rows. Returns
   * `{above, changed, unknown}`: how many rows went in above `first`, what changed, and whether only the server can say what belongs here.
   */
  live(rows, view, now = Date.now()) {
    const result = { above: 0, changed: new Set(), unknown: false };
    for (const row of rows) {
      this.recent?.add(row.runId);
      if (row.descendants) this.#join(row.runId);
      const fits = matches(row, this.filters, now);
      if (fits === null) result.unknown = true;
      if (this.byId.has(row.runId)) {
        if (this.#update(row)) result.changed.add(row.runId);
        if (fits !== null) this.#belongs(row.runId, fits);
      } else if (fits) this.#arrive(row, view, result);
      else if (fits === false && this.held.delete(row.runId)) this.fresh.delete(row.runId);
    }
    this.#tidy(view);
    return result;
  }

  /** Whether a row still belongs here. */
  #belongs(id, does) {
    if (does !== this.gone.has(id)) return;
    if (does) this.gone.delete(id);
    else this.gone.add(id);
    if (this.total !== null) this.total += does ? 1 : -1;
  }

  /** Lets go of what is not looked at: rows that no longer belong here, and those far behind. They come again with their page. */
  #tidy(view) {
    if (view.following && this.gone.size > 0) this.#remove(this.gone);
    const keep = Math.max(MOST_ROWS, view.last + 1 + BEHIND);
    if (!this.#isByTime || this.rows.length <= keep) return;
    for (const { runId } of this.rows.splice(keep)) {
      this.byId.delete(runId);
      this.fresh.delete(runId);
      this.gone.delete(runId);
    }
    this.more = true;
    this.page = 1;
  }

  #remove(ids) {
    this.rows = this.rows.filter(({ runId }) => !ids.has(runId));
    for (const id of ids) {
      this.byId.delete(id);
      this.fresh.delete(id);
    }
    ids.clear();
  }

  get #isByTime() {
    return this.filters.sort === 'newest' || this.filters.sort === 'oldest';
  }

  /** Whether these rows, the newest that the server has, reach those that are here. Else there is a hole between them. */
  reaches(rows, more) {
    return !more || this.rows.length === 0 || rows.some((row) => this.byId.has(row.runId)) || !this.#isByTime;
  }

  /** The server is asked for its first page now: what comes by itself from here on is newer than its answer. */
  asks() {
    this.recent = new Set();
  }

  /**
   * Takes rows of the server's first page, all of which belong here. If it is known whether there are `more`, other rows do not, as far as
   * the page reaches.
   */
  refreshed(rows, view, more) {
    const result = { above: 0, changed: new Set(), unknown: false };
    const listed = new Set();
    for (const row of rows) {
      listed.add(row.runId);
      if (row.descendants) this.#join(row.runId);
      if (this.byId.has(row.runId)) {
        this.#update(row);
        this.#belongs(row.runId, true);
      } else this.#arrive(row, view, result);
    }
    if (more !== undefined) {
      for (const row of this.#reachedBy(rows, more)) if (!listed.has(row.runId) && !this.recent?.has(row.runId)) this.#belongs(row.runId, false);
    }
    this.recent = null;
    this.#tidy(view);
    return result;
  }

  /** The rows that would be on this first page of the server. */
  #reachedBy(rows, more) {
    if (!more) return this.rows;
    const last = rows.at(-1)?.startedAt;
    if (!this.#isByTime || last === undefined) return [];
    return this.rows.filter(({ startedAt }) => (this.filters.sort === 'newest' ? startedAt > last : startedAt < last));
  }

  #arrive(row, view, result) {
    // What is here ends somewhere above: nothing can be put there until the list begins anew.
    if (this.missed) return;
    const at = this.#placeOf(row);
    // Behind what is loaded: it comes with its page.
    if (at === this.rows.length && at > 0 && (this.more || at >= Math.max(MOST_ROWS, view.last + 1 + BEHIND))) {
      if (!this.more && this.total !== null) this.total += 1;
      this.more = true;
      return;
    }
    if (!view.following && !this.held.has(row.runId) && this.fresh.size >= MOST_FRESH) {
      this.missed = true;
      return;
    }
    if (!this.held.has(row.runId) && this.total !== null) this.total += 1;
    const first = view.first + result.above;
    const last = view.last + result.above;
    const moves = at !== null && at < this.rows.length && at > first && at <= last;
    if (at === null || (moves && !view.following)) {
      this.held.set(row.runId, row);
      this.fresh.add(row.runId);
      // Who orders by duration looks at the top, and still sees nothing of it.
      if (this.held.size >= MOST_FRESH) this.missed = true;
      return;
    }
    this.held.delete(row.runId);
    this.#put(at, row);
    result.changed.add(row.runId);
    if (view.following) return;
    this.fresh.add(row.runId);
    if (at <= first) result.above += 1;
  }

  /** Puts in what was held, where its place is known. Returns whether the list has to begin anew instead. */
  release() {
    this.#remove(this.gone);
    for (const row of this.held.values()) {
      const at = this.#placeOf(row);
      if (at !== null && !this.byId.has(row.runId)) this.#put(at, row);
    }
    const needsReload = this.missed || (!this.#isByTime && this.held.size > 0);
    this.held.clear();
    this.fresh.clear();
    return needsReload;
  }

  /** Where a run is; -1 if it is not here. */
  indexOf(id) {
    if (!this.byId.has(id)) return -1;
    // Mostly where it was when it was asked for before.
    if (this.rows[this.near]?.runId !== id) this.near = this.rows.findIndex((row) => row.runId === id);
    return this.near;
  }

  /** What had a line of its own, as long as the run that started it was not stored, now belongs to the line of that one. */
  #join(parent) {
    for (const { runId } of this.rows.filter((row) => row.parentRunId === parent)) {
      this.rows.splice(this.rows.findIndex((row) => row.runId === runId), 1);
      this.byId.delete(runId);
    }
  }

  #put(at, row) {
    this.rows.splice(at, 0, row);
    this.byId.set(row.runId, row);
  }

  #update(row) {
    const old = this.byId.get(row.runId);
    if (JSON.stringify(old) === JSON.stringify(row)) return false;
    this.byId.set(row.runId, row);
    this.rows[this.rows.indexOf(old)] = row;
    return true;
  }

  /** Where a row belongs; `null` if its place depends on what may change, as a duration. */
  #placeOf(row) {
    const { sort } = this.filters;
    if (!this.#isByTime) return this.rows.length === 0 ? 0 : null;
    const before = sort === 'newest' ? (a, b) => a > b : (a, b) => a < b;
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(this.rows[middle].startedAt, row.startedAt)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The moment after a time, as an exclusive end that includes it. */
function nextNano(time) {
  const digits = (time.slice(20, -1) || '0').padEnd(9, '0').slice(0, 9);
  const next = Number(digits) + 1;
  if (next < 1e9) return `${time.slice(0, 19)}.${String(next).padStart(9, '0')}Z`;
  return `${new Date(Date.parse(`${time.slice(0, 19)}Z`) + 1000).toISOString().slice(0, 19)}.000000000Z`;
}
