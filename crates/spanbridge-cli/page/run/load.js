// What is asked of the server: the rows, what doctor finds in them, and the details of single spans.
import { Rows } from './model/rows.js';

/** How many child runs doctor is asked about, one after the other, if they are in other traces. */
const MAX_CHECKED = 5;
const MAX_DETAILS = 300;

/** The rows of a run, its child runs with them, and its critical path. */
export async function loadRows(api, id, signal) {
  const query = { followChildren: 'true', criticalPath: 'true' };
  return new Rows(await api.get(`/api/v1/runs/${encodeURIComponent(id)}/rows`, { query, signal }));
}

/** What doctor finds in the runs that the rows belong to. `null` if it did not answer: nothing found would be a lie then. */
export async function loadFindings(api, { run, tables }, signal) {
  // Asked about the run that a trace began, doctor looks at all runs of the trace.
  const isOfTrace = run.traceIds.includes(run.runId);
  const runs = isOfTrace ? [run.runId] : tables.runs.slice(0, 1 + MAX_CHECKED);
  const seen = new Set();
  const all = [];
  for (const id of runs) {
    const answer = await api.get(`/api/v1/runs/${id}/doctor`, { signal }).catch(() => null);
    if (!answer) return null;
    for (const gap of answer.gaps) {
      const key = `${gap.kind} ${gap.spanId} ${gap.what}`;
      if (!seen.has(key)) all.push(gap);
      seen.add(key);
    }
  }
  return all;
}

/** The details of spans, each asked for once. */
export class Details {
  constructor(api) {
    this.api = api;
    this.known = new Map();
    this.controller = null;
  }

  /** The details of a row, if they are here. */
  get(rows, row) {
    return this.known.get(rows.ids[row])?.answer ?? null;
  }

  /** Asks for the details of a row. What was asked for before, and is not here yet, is given up. */
  async load(rows, row) {
    this.controller?.abort();
    const known = this.known.get(rows.ids[row]);
    if (known) return known.answer;
    const own = new AbortController();
    this.controller = own;
    const path = `/api/v1/runs/${rows.runIdOf(row)}/spans/${rows.ids[row]}`;
    const answer = await this.api.get(path, { signal: own.signal });
    this.known.set(rows.ids[row], { answer });
    if (this.known.size > MAX_DETAILS) this.known.delete(this.known.keys().next().value);
    return answer;
  }

  /** Forgets everything: the run has changed. */
  forget() {
    this.known.clear();
  }
}
