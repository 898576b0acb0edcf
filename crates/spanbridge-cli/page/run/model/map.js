// Where the services stand in their map, and the ways between them. Columns are hops from where the run began; what comes to a service
// has a line in its box, and its way ends there. So no way runs through a box or through words.
import { columnsOf } from './services.js';

/** The measures, in pixels of a font of 13. */
export const BOX = { least: 158, most: 250, head: 46, line: 16, gap: 5, foot: 7, apart: 20 };
const SPACE = { least: 52, most: 110 };
const EDGE = 4, TRACK = 6, LANE = 11, EXIT = 9, TURN = 24;

/**
 * `{width, height, boxes, ways}` for `room` pixels. Boxes are `{node, x, y, width, height, lines}`, a line for each edge that comes in, with the
 * `y` of its middle and `more` if there is a second line of words. Ways are `{edge, path}`; an edge from a service to itself has none.
 */
export function layoutOf(map, room) {
  const { columns, column } = columnsOf(map);
  // What leaves the last column turns back beside it.
  const turns = map.edges.some(({ from, to }) => from !== to && column.get(from) === columns.length - 1);
  const margin = 2 * EDGE + (turns ? TURN : 0);
  const each = (room - margin) / Math.max(columns.length, 1);
  const between = Math.min(Math.max(each * 0.25, SPACE.least), SPACE.most);
  const width = Math.min(Math.max((room - margin + between) / Math.max(columns.length, 1) - between, BOX.least), BOX.most);
  const boxes = new Map();
  columns.forEach((nodes, column) => {
    for (const node of nodes) {
      const lines = linesOf(map.edges.filter((edge) => edge.to === node.service));
      const height = BOX.head + lines.height + (lines.all.length > 0 ? BOX.foot : 0);
      boxes.set(node.service, { node, column, x: EDGE + column * (width + between), y: 0, width, height, lines: lines.all });
    }
  });
  columns.forEach((nodes) => stack(nodes.map((node) => boxes.get(node.service)), map, boxes));
  const all = [...boxes.values()];
  const top = Math.min(...all.map((box) => box.y), 0);
  for (const box of all) {
    box.y += EDGE - top;
    for (const line of box.lines) line.y += box.y;
  }
  const bottom = Math.max(...all.map((box) => box.y + box.height), 0);
  const { ways, lanes } = waysOf(map, boxes, bottom, between);
  return { width: margin + columns.length * width + (columns.length - 1) * between, height: bottom + EDGE + (lanes > 0 ? 12 + lanes * LANE : 0), boxes: all, ways };
}

/** A line for each edge, below the head of the box. */
function linesOf(edges) {
  let at = BOX.head;
  const all = edges.map((edge) => {
    const more = edge.queued !== null || edge.retries > 0;
    const line = { edge, y: at + BOX.gap + BOX.line / 2, more };
    at += BOX.gap + BOX.line * (more ? 2 : 1);
    return line;
  });
  return { all, height: at - BOX.head };
}

/** Puts the boxes of a column one below the other, each as near as it can be to what leads there. */
function stack(column, map, boxes) {
  const middle = (box) => box.y + box.height / 2;
  const wish = (box, place) => {
    const before = map.edges.filter((edge) => edge.to === box.node.service).map((edge) => boxes.get(edge.from)).filter((other) => other.column < box.column);
    return before.length > 0 ? before.reduce((sum, other) => sum + middle(other), 0) / before.length : place;
  };
  const wished = column.map((box, place) => ({ box, at: wish(box, place) }));
  wished.sort((a, b) => a.at - b.at);
  const tops = spaced(wished.map(({ box, at }) => ({ at: at - box.height / 2, size: box.height + BOX.apart })));
  wished.forEach(({ box }, i) => { box.y = tops[i]; });
}

/** Places in order that do not overlap, as near as possible to where each would be. */
export function spaced(wishes) {
  // Groups that touch move together, to the mean of their wishes.
  const groups = [];
  let before = 0;
  for (const { at, size } of wishes) {
    let group = { sum: at - before, count: 1 };
    while (groups.length > 0 && groups.at(-1).sum / groups.at(-1).count > group.sum / group.count) {
      const last = groups.pop();
      group = { sum: last.sum + group.sum, count: last.count + group.count };
    }
    groups.push(group);
    before += size;
  }
  const starts = groups.flatMap(({ sum, count }) => Array(count).fill(sum / count));
  let offset = 0;
  return wishes.map(({ size }, i) => {
    const at = starts[i] + offset;
    offset += size;
    return at;
  });
}

function waysOf(map, boxes, bottom, between) {
  const ends = [...boxes.values()].flatMap((box) => box.lines.filter(({ edge }) => edge.from !== edge.to).map((line) => ({ edge: line.edge, to: box, y: line.y })));
  const exits = exitsOf(ends, boxes);
  const isNext = ({ edge, to }) => to.column === boxes.get(edge.from).column + 1;
  const tracks = new Map();
  const track = (gap) => { tracks.set(gap, (tracks.get(gap) ?? -1) + 1); return (tracks.get(gap) * TRACK) % (TURN - TRACK); };
  let lanes = 0;
  const ways = ends.map((end) => {
    const from = boxes.get(end.edge.from);
    const [x, y] = [from.x + from.width, exits.get(end)];
    if (isNext(end)) {
      const half = (end.to.x - x) / 2;
      return { edge: end.edge, path: `M${x} ${y} C${x + half} ${y} ${x + half} ${end.y} ${end.to.x} ${end.y}` };
    }
    // Back, or past other columns: below everything.
    lanes += 1;
    const lane = bottom + 10 + lanes * LANE;
    const [out, back] = [x + 8 + track(from.column), end.to.x - 14 - track(end.to.column - 1)];
    return { edge: end.edge, path: rounded([[x, y], [out, y], [out, lane], [back, lane], [back, end.y], [end.to.x, end.y]]) };
  });
  return { ways, lanes };
}

/** Where each way leaves its box: straight where it can, and apart from the others. */
function exitsOf(ends, boxes) {
  const exits = new Map();
  for (const box of boxes.values()) {
    const [low, high] = [box.y + 12, box.y + box.height - 12];
    const own = ends.filter(({ edge }) => edge.from === box.node.service).map((end) => ({ end, at: Math.min(Math.max(end.y, low), high) }));
    own.sort((a, b) => a.end.y - b.end.y);
    const step = Math.min(EXIT, (high - low) / Math.max(own.length - 1, 1));
    spaced(own.map(({ at }) => ({ at, size: step }))).forEach((at, i) => exits.set(own[i].end, Math.min(Math.max(at, low), high)));
  }
  return exits;
}

/** A line along these points, with round corners. */
function rounded(points) {
  const parts = [`M${points[0].join(' ')}`];
  for (let i = 1; i < points.length - 1; i += 1) {
    const [[a, b], [x, y], [c, d]] = [points[i - 1], points[i], points[i + 1]];
    const radius = Math.min(6, Math.hypot(x - a, y - b) / 2, Math.hypot(c - x, d - y) / 2);
    const toward = (to, from) => Math.sign(to - from) * radius;
    parts.push(`L${x + toward(a, x)} ${y + toward(b, y)} Q${x} ${y} ${x + toward(c, x)} ${y + toward(d, y)}`);
  }
  return `${parts.join(' ')} L${points.at(-1).join(' ')}`;
}
