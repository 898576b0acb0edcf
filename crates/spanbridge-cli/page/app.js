// Where the page begins: which view an address shows, inside the shell.
import { html, render, useEffect, useState } from './lib/html.js';
import * as keys from './lib/keys.js';
import * as router from './lib/router.js';
import { setConnection } from './lib/connection.js';
import { Caught } from './parts/caught.js';
import { Waiting } from './parts/failure.js';
import { Shell } from './parts/shell.js';

/** The views by address. A module is loaded when its first address is. */
const ROUTES = [
  { path: /^\/$/, name: 'runs', load: () => import('./views/runs.js') },
  { path: /^\/runs\/(?<id>[^/]+)$/, name: 'run', load: () => import('./views/run.js') },
  { path: /^\/diff\/(?<a>[^/]+)\/(?<b>[^/]+)$/, name: 'diff', load: () => import('./views/diff.js') },
  { path: /^\/row$/, name: 'row', load: () => import('./views/row.js') },
  { path: /^\/doctor$/, name: 'doctor', load: () => import('./views/doctor.js') },
];

function routeOf(path) {
  for (const route of ROUTES) {
    const match = route.path.exec(path);
    if (!match) continue;
    const named = Object.entries(match.groups ?? {});
    try {
      return { ...route, args: Object.fromEntries(named.map(([key, value]) => [key, decodeURIComponent(value)])) };
    } catch {
      return null;
    }
  }
  return null;
}

function App() {
  const [place, setPlace] = useState(router.current);
  const [shown, setShown] = useState(null);
  useEffect(() => router.onChange(setPlace), []);
  const route = routeOf(place.path);
  useEffect(() => {
    if (!route) return undefined;
    let wanted = true;
    route.load().then(
      (module) => wanted && setShown({ name: route.name, View: module.default }),
      () => wanted && setShown({ name: route.name, View: Unloaded }),
    );
    return () => { wanted = false; };
  }, [route?.name]);
  const ready = shown && route && shown.name === route.name;
  useEffect(() => {
    if (route?.name !== 'runs' && route?.name !== 'run') setConnection({ name: 'none', since: Date.now() });
  }, [route?.name]);
  return html`<${Shell} path=${place.path}><${Caught} at=${place}>
    ${!route && html`<${Nowhere} />`}
    ${route && !ready && html`<${Waiting}>Loading this view …<//>`}
    ${ready && html`<${shown.View} key=${keyOf(route)} place=${place} ...${route.args} />`}
  <//><//>`;
}

/** A view starts anew for another run, and stays for another query. */
function keyOf(route) {
  return [route.name, ...Object.values(route.args)].join('/');
}

function Nowhere() {
  return html`<div class="blank"><p class="big">There is nothing at this address</p><p><a class="link" href="/">To the list of runs</a></p></div>`;
}

function Unloaded() {
  return html`<div class="blank"><p class="big">This view could not be loaded</p>
    <p>spanbridge serve does not answer. Is it still running?</p><button class="button" onClick=${() => location.reload()}>Try again</button></div>`;
}

router.start();
keys.start();
render(html`<${App} />`, document.getElementById('app'));
