// The services of a run and the hops between them: counts, errors and the median time in the queue.
import { ON_PATH, RETRY } from './rows.js';

/** `{nodes: [{service, spans, errors, self}], edges: [{from, to, kind, destination, count, errors, queued, took}]}`, by service number. */
export function serviceMap(rows) {
  const nodes = rows.tables.services.map((name, service) => ({ service, name, spans: 0, errors: 0, first: Infinity, time: 0 }));
  const edges = new Map();
  for (let row = 0; row < rows.count; row += 1) {
    const node = nodes[rows.service[row]];
    node.spans += 1;
    if (rows.isError(row)) node.errors += 1;
    node.first = Math.min(node.first, rows.start[row]);
    const above = rows.parent[row];
    const hop = rows.sparse.hop[row];
    if (above < 0 || (rows.service[above] === rows.service[row] && hop !== 'queue')) continue;
    const destination = hop === 'queue' ? rows.destinationOf(row) ?? rows.destinationOf(above) ?? '' : '';
    const key = `${rows.service[above]} ${rows.service[row]} ${hop ?? ''} ${destination}`;
    if (!edges.has(key)) edges.set(key, { from: rows.service[above], to: rows.service[row], kind: hop ?? 'work', destination, count: 0, errors: 0, waits: [], times: [], isOnPath: false, isDead: false, retries: 0, row });
    const edge = edges.get(key);
    edge.count += 1;
    if (rows.sparse.attempt[row] > 1 || (rows.flags[row] & RETRY) !== 0) edge.retries += 1;
    edge.isDead ||= rows.sparse.deadLetter[row] !== undefined;
    edge.isOnPath ||= (rows.flags[row] & ON_PATH) !== 0;
    if (rows.isError(row)) edge.errors += 1;
    const wait = rows.sparse.queued[row];
    if (wait !== undefined) edge.waits.push(wait);
    if (rows.hasTime(row)) edge.times.push(rows.duration[row]);
  }
  const list = [...edges.values()].map(({ waits, times, ...edge }) => ({ ...edge, queued: median(waits), took: median(times) }));
  return { nodes: nodes.filter((node) => node.spans > 0), edges: list.sort((a, b) => b.count - a.count) };
}

/** The middle value, or null if there is none. */
export function median(values) {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Puts services in columns by how many hops they are from where the run began: `{columns: [[node…]…], column: Map(service → column)}`. */
export function columnsOf({ nodes, edges }) {
  const below = new Map();
  const entered = new Set();
  for (const { from, to } of edges) {
    if (from === to) continue;
    if (!below.has(from)) below.set(from, new Set());
    below.get(from).add(to);
    entered.add(to);
  }
  const byTime = [...nodes].sort((a, b) => a.first - b.first);
  const column = new Map();
  // The shortest way places a service, so circles end.
  const spread = (begin) => {
    begin.forEach((service) => column.set(service, 0));
    for (let front = begin, depth = 1; front.length > 0; depth += 1) {
      const next = new Set(front.flatMap((from) => [...below.get(from) ?? []]).filter((to) => !column.has(to)));
      next.forEach((to) => column.set(to, depth));
      front = [...next];
    }
  };
  spread(byTime.filter((node) => !entered.has(node.service)).map((node) => node.service));
  // Those that only lead to each other have no beginning but the earliest.
  for (const { service } of byTime) if (!column.has(service)) spread([service]);
  const columns = [];
  for (const node of byTime) (columns[column.get(node.service)] ??= []).push(node);
  return { columns, column };
}
