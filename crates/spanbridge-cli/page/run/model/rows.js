// The rows of a run: columns of numbers, so that 100,000 spans need no object each.

import { lookOf } from '../../lib/services.js';

/** What flags say of a row. */
export const SKEWED = 1, RETRY = 2, REDELIVERED = 4, SETTLED_ABOVE = 8, DEAD_LETTERED = 16, NEW_TRACE = 32, NO_START = 64, ON_PATH = 128, ROLLED_BACK = 256;

const FLAGS = [
  ['skewed', SKEWED], ['retry', RETRY], ['redelivered', REDELIVERED], ['folded', SETTLED_ABOVE], ['deadLettered', DEAD_LETTERED],
  ['newTrace', NEW_TRACE], ['startMissing', NO_START], ['rolledBack', ROLLED_BACK],
];

/** What only some rows have is looked up by row in these; one that no row has is empty. */
const SPARSE = [
  'queued', 'suspended', 'hop', 'destination', 'attempt', 'handoff', 'httpStatus', 'settlement', 'deadLetter', 'batch', 'transaction',
  'links', 'linkedFrom', 'events', 'eventTimes', 'artifacts', 'orphan', 'error', 'run',
];

/** A run as the server sends it in rows, ready to be drawn. */
export class Rows {
  constructor(answer) {
    const { spans, sparse } = answer;
    this.count = spans.spanId.length;
    this.run = answer.run;
    this.selected = answer.selected ?? null;
    this.origin = answer.origin;
    this.end = answer.end;
    this.tables = {
      services: answer.services, names: answer.names, primitives: answer.primitives, categories: answer.categories,
      destinations: answer.destinations, errors: answer.errors, statuses: answer.statuses, kinds: answer.kinds, runs: answer.runs,
    };
    /** The hue of each service. */
    this.hues = answer.services.map((name) => lookOf(name, answer.services).hue);
    this.others = {
      childRuns: answer.childRuns, relatedRuns: answer.relatedRuns, linkedRuns: answer.linkedRuns, prunedRuns: answer.prunedRuns ?? [],
      more: answer.more ?? {},
    };
    this.diagnostics = answer.diagnostics;
    this.edges = answer.edges;
    this.ids = spans.spanId;
    this.parent = Int32Array.from(spans.parent);
    this.service = Int32Array.from(spans.service);
    this.name = Int32Array.from(spans.name);
    this.primitive = Int32Array.from(spans.primitive);
    this.category = Int32Array.from(spans.category);
    this.kind = Uint8Array.from(spans.kind);
    this.status = Uint8Array.from(spans.status);
    this.start = Float64Array.from(spans.start);
    this.duration = Float64Array.from(spans.duration, (took) => took ?? NaN);
    this.sparse = Object.fromEntries(SPARSE.map((name) => [name, sparse[name] ?? {}]));
    this.flags = new Uint16Array(this.count);
    for (const [name, flag] of FLAGS) for (const row of sparse[name] ?? []) this.flags[row] |= flag;
    this.#shape();
    this.path = pathOf(answer.criticalPath, this);
    this.findings = new Map();
    this.unplaced = [];
  }

  /** Depths, where what is below a row ends, and the run of each row. */
  #shape() {
    const { count, parent } = this;
    this.depth = new Int32Array(count);
    this.next = new Int32Array(count);
    // Of everything at and below a row: when the last ends, and how many failed.
    this.lastEnd = new Float64Array(count);
    this.errorsBelow = new Int32Array(count);
    this.runOf = new Int32Array(count);
    for (let row = 0; row < count; row += 1) {
      const above = parent[row];
      this.depth[row] = above < 0 ? 0 : this.depth[above] + 1;
      this.runOf[row] = this.sparse.run[row] ?? (above < 0 ? 0 : this.runOf[above]);
      this.next[row] = row + 1;
    }
    for (let row = count - 1; row >= 0; row -= 1) {
      const above = parent[row];
      this.lastEnd[row] = Math.max(this.lastEnd[row], this.endOf(row));
      this.errorsBelow[row] += this.isError(row) ? 1 : 0;
      if (above < 0) continue;
      this.next[above] = Math.max(this.next[above], this.next[row]);
      this.lastEnd[above] = Math.max(this.lastEnd[above], this.lastEnd[row]);
      this.errorsBelow[above] += this.errorsBelow[row];
    }
    this.#bounds();
    this.errors = [];
    // Settlements by the row that they settle.
    this.settlements = new Map();
    for (let row = 0; row < count; row += 1) {
      if (this.isError(row)) this.errors.push(row);
      if (this.flags[row] & SETTLED_ABOVE) {
        const above = parent[row];
        if (this.settlements.has(above)) this.settlements.get(above).push(row);
        else this.settlements.set(above, [row]);
      }
    }
  }

  /** The time in which things went on, without spans whose clocks contradict the others, and what they caused. */
  #bounds() {
    const { count, parent, flags } = this;
    const off = new Uint8Array(count);
    let [from, to, sound] = [Infinity, 0, 0];
    for (let row = 0; row < count; row += 1) {
      off[row] = flags[row] & SKEWED || (parent[row] >= 0 && off[parent[row]]) ? 1 : 0;
      if (off[row]) continue;
      sound += 1;
      from = Math.min(from, this.start[row]);
      const took = this.duration[row];
      to = Math.max(to, this.start[row] + (took > 0 ? took : 0));
    }
    const all = { from: 0, to: Math.max(this.end, 1) };
    const skewed = sound < count;
    // Without any contradiction, also what is only known of the run itself counts.
    this.bounds = skewed && sound > 0 ? { from, to: Math.max(to, from + 1) } : all;
  }

  isError(row) {
    return this.status[row] === 1 || this.status[row] === 2;
  }

  isOpen(row) {
    return this.status[row] === 4;
  }

  /** Whether it says when it ended, and that is not before it began. */
  hasTime(row) {
    return this.duration[row] >= 0 && !(this.flags[row] & NO_START);
  }

  /** When it ends, in nanoseconds since the origin; for an open one, the latest time that is known. */
  endOf(row) {
    const took = this.duration[row];
    return Number.isNaN(took) ? Math.max(this.end, this.start[row]) : Math.max(this.start[row], this.start[row] + took);
  }

  nameOf(row) {
    return this.tables.names[this.name[row]];
  }

  serviceOf(row) {
    return this.tables.services[this.service[row]];
  }

  hueOf(row) {
    return this.hues[this.service[row]];
  }

  statusOf(row) {
    return this.tables.statuses[this.status[row]];
  }

  errorOf(row) {
    return this.tables.errors[this.sparse.error[row]] ?? null;
  }

  destinationOf(row) {
    return this.tables.destinations[this.sparse.destination[row]] ?? null;
  }

  /** The id of its run. */
  runIdOf(row) {
    return this.tables.runs[this.runOf[row]] ?? this.run.runId;
  }

  /** Whether there is another service above it, or none. */
  changesService(row) {
    const above = this.parent[row];
    return above < 0 || this.service[above] !== this.service[row];
  }

  hasChildren(row) {
    return this.next[row] > row + 1;
  }

  /** The row of a span, or -1. */
  rowOf(spanId) {
    this.byId ??= new Map(this.ids.map((id, row) => [id, row]));
    return this.byId.get(spanId) ?? -1;
  }

  /** Puts what doctor found at the rows that it is about. */
  setFindings(gaps) {
    this.findings = new Map();
    this.unplaced = [];
    for (const gap of gaps) {
      const row = gap.spanId ? this.rowOf(gap.spanId) : -1;
      if (row < 0) this.unplaced.push(gap);
      else if (this.findings.has(row)) this.findings.get(row).push(gap);
      else this.findings.set(row, [gap]);
    }
  }

  /** The run that this one is a replay of. */
  get replayOf() {
    return this.edges.find(({ edgeType, to }) => edgeType === 'replay.of' && to.runId)?.to.runId;
  }

  /** The relations of a row: `{row, type, outgoing}`, with the other end in the run. */
  related(row) {
    if (!this.relations) {
      this.relations = new Map();
      const add = (at, other, type, outgoing) => {
        if (!this.relations.has(at)) this.relations.set(at, []);
        this.relations.get(at).push({ row: other, type, outgoing });
      };
      for (const { edgeType, from, to } of this.edges) {
        if (from.row === undefined || to.row === undefined) continue;
        add(from.row, to.row, edgeType, true);
        add(to.row, from.row, edgeType, false);
      }
    }
    return this.relations.get(row) ?? [];
  }
}

/** The stretches of the critical path with their beginnings, and for each row where its stretches are. */
function pathOf(path, rows) {
  if (!path) return null;
  const count = path.kind.length;
  const start = new Float64Array(count);
  let at = path.start;
  for (let i = 0; i < count; i += 1) {
    start[i] = at;
    at += path.duration[i];
  }
  const row = Int32Array.from(path.row);
  const ofRow = new Map();
  row.forEach((of, i) => {
    if (of < 0) return;
    rows.flags[of] |= ON_PATH;
    if (ofRow.has(of)) ofRow.get(of).push(i);
    else ofRow.set(of, [i]);
  });
  return {
    start, row, ofRow, count, kind: Uint8Array.from(path.kind), duration: Float64Array.from(path.duration), kinds: path.kinds,
    totals: path.totals, from: path.start, to: path.end, skewed: new Set(path.skewed ?? []), elsewhere: path.elsewhere ?? {},
  };
}
