// The services of a run as a map: who hands work to whom, through which queues, how often, and how long it waited.
import { html, useLayoutEffect, useMemo, useRef, useState } from '../../lib/html.js';
import { counted, named, number, visible } from '../../lib/text.js';
import { duration } from '../../lib/time.js';
import { lookOf } from '../../lib/services.js';
import { Service } from '../../parts/marks.js';
import { Text } from '../../parts/text.js';
import { fitted } from '../draw/surface.js';
import { layoutOf } from '../model/map.js';
import { serviceMap } from '../model/services.js';

/** Above this many, a picture is a tangle: the table says it better. */
const MAX_NODES = 60, MAX_EDGES = 120;
/** How many hops the table has. */
const MAX_ROWS = 1000;

export function ServiceMap({ view, rows }) {
  const map = useMemo(() => serviceMap(rows), [rows]);
  const [chosen, setChosen] = useState(null);
  const drawn = map.nodes.length <= MAX_NODES && map.edges.length <= MAX_EDGES;
  const toRow = (edge) => () => { view.goTo(edge.row); view.ctx.setParams({ view: null, span: rows.ids[edge.row] }); };
  const services = rows.tables.services;
  const look = (name) => lookOf(name, services);
  return html`<div class="map" data-path=${view.pathOn || undefined}>
    ${drawn ? html`<${Picture} map=${map} look=${look} chosen=${chosen} choose=${setChosen} open=${(edge) => toRow(edge)()} />` : html`<p class="dim">${counted(map.nodes.length, 'service')} and ${counted(map.edges.length, 'hop')}: too many to draw.</p>`}
    <div class="hops-room scroll"><table class="hops"><caption class="hidden">Hops between services</caption><thead><tr><th>From</th><th>Hop</th><th>To</th><th class="n">Count</th><th class="n">Errors</th><th class="n">Retries</th><th class="n">Queued, median</th><th class="n">Took, median</th><th><span class="hidden">Its first span</span></th></tr></thead>
      <tbody>${map.edges.slice(0, MAX_ROWS).map((edge, i) => html`<tr key=${i} data-chosen=${chosen === edge || undefined} onPointerEnter=${() => setChosen(edge)} onPointerLeave=${() => setChosen(null)}>
        <td><${Service} name=${services[edge.from]} among=${services} /></td><td>${edge.kind === 'queue' ? html`${edge.isDead ? html`<span title="Dead letters">⊗</span>` : '⇢'} <${Text} of=${edge.destination || 'queue'} max=${60} />` : edge.kind === 'call' ? '→ call' : '→ work'}</td>
        <td><${Service} name=${services[edge.to]} among=${services} /></td><td class="n">${number(edge.count)}</td><td class="n">${edge.errors > 0 ? html`<span data-tone="bad" class="toned">✗ ${number(edge.errors)}</span>` : html`<span class="faint">–</span>`}</td>
        <td class="n">${edge.retries > 0 ? number(edge.retries) : html`<span class="faint">–</span>`}</td>
        <td class="n">${edge.queued === null ? html`<span class="faint">–</span>` : duration(edge.queued)}</td><td class="n">${edge.took === null ? html`<span class="faint">–</span>` : duration(edge.took)}</td>
        <td><button class="button quiet" onClick=${toRow(edge)}>Show the first</button></td></tr>`)}
        ${map.edges.length > MAX_ROWS && html`<tr><td colspan="9" class="faint">… ${counted(map.edges.length - MAX_ROWS, 'more hop', 'more hops')}</td></tr>`}
        ${map.edges.length === 0 && html`<tr><td colspan="9" class="faint">No hop is recorded: ${counted(map.nodes.length, 'service')} worked for themselves.</td></tr>`}</tbody></table></div></div>`;
}

/** How wide the picture may be, and how large its font is to one of 13 pixels. */
function useRoom(element) {
  const [room, setRoom] = useState(null);
  useLayoutEffect(() => {
    const measure = () => {
      const style = getComputedStyle(element.current);
      setRoom({ width: element.current.clientWidth, scale: (Number.parseFloat(style.getPropertyValue('--size-m')) || 13) / 13, sans: style.getPropertyValue('--sans').trim() });
    };
    const resized = new ResizeObserver(measure);
    resized.observe(element.current);
    return () => resized.disconnect();
  }, []);
  return room;
}

function Picture({ map, look, chosen, choose, open }) {
  const element = useRef(null);
  const room = useRoom(element);
  return html`<div class="picture-room scroll" ref=${element}>${room && html`<${Drawing} ...${{ map, look, room, chosen, choose, open }} />`}</div>`;
}

function Drawing({ map, look, room, chosen, choose, open }) {
  const { width, height, boxes, ways } = useMemo(() => layoutOf(map, room.width / room.scale), [map, room]);
  const pen = useMemo(() => document.createElement('canvas').getContext('2d'), []);
  const fit = (text, size, weight, width) => fitted(pen, `${weight} ${size}px ${room.sans}`, text, width);
  const most = Math.max(...map.edges.map((edge) => edge.count), 1);
  const about = (edge) => ({
    'data-kind': edge.kind, 'data-bad': edge.errors > 0 || undefined, 'data-path': edge.isOnPath || undefined, 'data-chosen': chosen === edge || undefined,
    onPointerEnter: () => choose(edge), onPointerLeave: () => choose(null), onClick: () => open(edge),
  });
  return html`<svg class="picture" viewBox=${`0 0 ${width} ${height}`} width=${width * room.scale} height=${height * room.scale} role="img" aria-label="Map of the services; the table below says the same">
    ${['tip', 'tip-bad', 'tip-chosen', 'tip-path'].map((id) => html`<marker key=${id} id=${id} viewBox="0 0 8 8" refX="7.500" refY="4" markerWidth="8" markerHeight="8" orient="auto" markerUnits="userSpaceOnUse"><path d="M0 0 8 4 0 8Z" /></marker>`)}
    ${ways.map(({ edge, path }, i) => html`<g key=${i} class="edge" ...${about(edge)}><path class="near" d=${path} /><path d=${path} stroke-width=${1.2 + 1.8 * Math.sqrt(edge.count / most)} /></g>`)}
    ${boxes.map(({ node, x, y, width, height, lines }) => html`<g key=${node.service} class="node" data-hue=${look(node.name).hue}><title>${visible(node.name)}</title>
      <rect x=${x} y=${y} width=${width} height=${height} rx="9" />
      <text x=${x + 12} y=${y + 19} class="name">${fit(visible(named(node.name)), 13.5, 650, width - 52)}</text><text x=${x + width - 11} y=${y + 19} class="letters">${visible(look(node.name).letters)}</text>
      <text x=${x + 12} y=${y + 36}>${counted(node.spans, 'span')}${node.errors > 0 ? html`<tspan class="bad">  ✗ ${number(node.errors)}</tspan>` : ''}</text>
      ${lines.map((line, i) => html`<g key=${i} class="said" ...${about(line.edge)}><title>${said(line.edge).join(', ')}. Click to see the first</title>
        <rect x=${x + 1} y=${line.y - 11} width=${width - 2} height=${line.more ? 38 : 22} />
        <text x=${x + 12} y=${line.y + 4} class="first">${fitEnd(said(line.edge)[0], countOf(line.edge), (text, width) => fit(text, 11.5, 600, width), width - 24)}</text>
        ${line.more && html`<text x=${x + 12} y=${line.y + 20} class="queued">${fit(said(line.edge)[1], 11.5, 400, width - 24)}</text>`}</g>`)}</g>`)}
  </svg>`;
}

/** The text with its end whole: where there is no room for both, what stands before it is cut. */
function fitEnd(text, end, fit, width) {
  if (fit(text, width) === text) return text;
  const rest = text.slice(0, text.length - end.length);
  for (let size = rest.length; size > 3; size -= 1) if (fit(`${rest.slice(0, size)}…${end}`, width) === `${rest.slice(0, size)}…${end}`) return `${rest.slice(0, size)}…${end}`;
  return fit(text, width);
}

function countOf(edge) {
  return ` ×${number(edge.count)}${edge.errors > 0 ? `  ✗ ${number(edge.errors)}` : ''}`;
}

/** What is said of a hop: what it is, how long it waited at the median, and how often it was tried again. */
function said(edge) {
  const loop = edge.from === edge.to ? '↻ ' : '';
  const what = edge.kind === 'queue' ? `${edge.isDead ? '⊗' : '⇢'} ${visible(edge.destination || 'queue').slice(0, 80)}` : edge.kind === 'call' ? '→ call' : '→ work';
  const lines = [`${loop}${what}${countOf(edge)}`];
  const more = [edge.queued !== null && `queued ${duration(edge.queued)}`, edge.retries > 0 && counted(edge.retries, 'retry', 'retries')].filter(Boolean);
  if (more.length > 0) lines.push(more.join(' · '));
  return lines;
}
