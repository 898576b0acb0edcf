// What fills the list of runs: pages that are asked for, and what arrives by itself.
import { queryOf } from './filters.js';
import { RunList } from './runlist.js';

/** How many runs are asked for at first, and at most at once: who scrolls far gets more at a time. */
const [PAGE, MOST] = [100, 1000];

/** After how many milliseconds runs are counted again at the earliest. */
const RECOUNT = 30_000;

/**
 * Fills `list`. `get(path, {query, signal})` and `follow(what, on)` are those of `api.js` and `live.js`. `looking()` says which rows are
 * looked at; `onChange({above, changed, over})` says that rows were put in or changed: `above` of them above the view, `over` if all are new.
 */
export class Feed {
  constructor({ list, get, follow, looking, onChange, onConnection }) {
    Object.assign(this, { list, get, follow, looking, onChange, onConnection });
    this.state = { loading: list.rows.length === 0, failed: null, diagnostics: undefined };
    this.paused = false;
    this.asked = 0;
    this.countAgain = 0;
    this.connection = null;
    this.#forget();
  }

  /** Begins. `count`: how many rows are wanted at once, because they were there before. Returns a function that ends it. */
  start(count = 0) {
    const own = new AbortController();
    this.signal = own.signal;
    if (this.list.rows.length === 0) this.load(Math.min(MOST, Math.max(PAGE, count)));
    else this.count();
    const stop = this.follow({ children: this.list.filters.children === 'true' }, {
      runs: (rows) => this.#take(rows),
      resync: () => this.refresh(),
      state: (next) => {
        this.connection = next;
        this.#tellConnection();
        if (next.name !== 'live') return;
        // What came before the stream began is in no event.
        if (this.list.rows.length > 0) this.refresh();
        else this.load();
      },
    });
    return () => {
      stop();
      own.abort();
      clearTimeout(this.asked);
      this.onConnection({ name: 'none', since: Date.now() });
    };
  }

  /** Asks for the next page. */
  async load(limit = this.#limit()) {
    const { list } = this;
    if (this.busy || !list.more) return;
    this.busy = true;
    try {
      const next = list.next(limit);
      const query = queryOf(list.filters).filter(([key]) => !next.some(([other]) => other === key)).concat(next);
      const answer = await this.get('/api/v1/runs', { query, signal: this.signal });
      list.arrived({ rows: answer.runs, more: answer.more });
      this.state = { loading: false, failed: null, diagnostics: answer.diagnostics };
      if (list.total === null) this.count();
    } catch (error) {
      if (error.name !== 'AbortError') this.state = { ...this.state, loading: false, failed: error };
    } finally {
      this.busy = false;
    }
    this.onChange({ above: 0 });
  }

  /** Asks again for what is there, and for what came meanwhile. */
  async refresh(limit = this.#limit()) {
    const { list } = this;
    if (list.missed && this.looking().following) return this.#again();
    list.asks();
    try {
      const answer = await this.get('/api/v1/runs', { query: [...queryOf(list.filters), ['limit', String(limit)]], signal: this.signal });
      this.state = { loading: false, failed: null, diagnostics: answer.diagnostics };
      if (this.paused) {
        this.waiting.sure = answer.runs;
        this.onChange({ above: 0 });
      } else if (list.reaches(answer.runs, answer.more)) {
        this.onChange(list.refreshed(answer.runs, this.looking(), answer.more));
      } else {
        this.startOver();
        list.arrived({ rows: answer.runs, more: answer.more });
        this.onChange({ above: 0, over: true });
      }
      this.count();
    } catch {
      // The connection says that it is lost, and this is asked again when it is back.
      list.recent = null;
    }
  }

  /** Says how many there are. Of many, the server has to count them, so it is not asked often; what arrives meanwhile is added. */
  async count() {
    const { list } = this;
    if (!list.more && !list.missed) {
      list.total = list.rows.length + list.held.size - list.gone.size;
      return this.onChange({ above: 0 });
    }
    if (Date.now() < this.countAgain) return undefined;
    this.countAgain = Date.now() + RECOUNT;
    try {
      const query = [...queryOf(list.filters).filter(([key]) => key !== 'sort'), ['count', 'true']];
      list.total = (await this.get('/api/v1/runs', { query, signal: this.signal })).count;
      return this.onChange({ above: 0 });
    } catch {
      // Then nobody says how many there are.
      return undefined;
    }
  }

  /** Forgets all rows: the next ones are put in anew. */
  startOver() {
    Object.assign(this.list, new RunList(this.list.filters), { total: this.list.total });
  }

  /** Shows nothing new until it is called again. */
  pause() {
    this.paused = !this.paused;
    this.#tellConnection();
    if (this.paused) return;
    const { rows, sure, isMore } = this.waiting;
    this.#forget();
    if (isMore) this.list.missed = true;
    this.onChange(this.list.refreshed(sure, this.looking()));
    this.#take([...rows.values()]);
  }

  /** Shows what is held back. */
  release() {
    if (this.paused) this.pause();
    if (this.list.release()) this.#again();
  }

  /** Begins anew: there is more to show than was kept. */
  async #again() {
    this.startOver();
    this.countAgain = 0;
    await this.load();
    return this.count();
  }

  /** The reader looks at something else: what was only kept for what they looked at goes. */
  looked() {
    const { list } = this;
    if (this.paused || !this.looking().following) return;
    if (list.missed) this.#again();
    else if (list.gone.size > 0) this.onChange(list.live([], this.looking()));
  }

  /** How many runs came that are not shown where they belong, or were not seen yet. */
  get fresh() {
    const waiting = [...this.waiting.rows.values(), ...this.waiting.sure].map((run) => run.runId).filter((id) => !this.list.byId.has(id));
    return new Set([...this.list.fresh, ...waiting]).size;
  }

  /** Whether even more came. */
  get isMoreFresh() {
    return this.list.missed || this.waiting.isMore;
  }

  #take(rows) {
    if (this.paused) {
      for (const row of rows) {
        if (this.waiting.rows.has(row.runId) || this.waiting.rows.size < MOST) this.waiting.rows.set(row.runId, row);
        else this.waiting.isMore = true;
      }
      this.onChange({ above: 0 });
      return;
    }
    const result = this.list.live(rows, this.looking());
    if (this.list.missed) {
      if (this.looking().following && rows.length > 0) return void this.#again();
      // Only the server knows how many there are.
      this.count();
    }
    // Only the server knows. It is asked about the newest, and not more often than it would like.
    if (result.unknown && !this.asked) this.asked = setTimeout(() => { this.asked = 0; this.refresh(PAGE); }, 800);
    this.onChange(result);
  }

  #limit() {
    return Math.min(MOST, Math.max(PAGE, this.list.rows.length));
  }

  #forget() {
    // Each run as it was told last: a pause may be long.
    this.waiting = { rows: new Map(), sure: [], isMore: false };
  }

  #tellConnection() {
    const { connection } = this;
    if (connection) this.onConnection(this.paused && connection.name === 'live' ? { ...connection, name: 'paused' } : connection);
  }
}
