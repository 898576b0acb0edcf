import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { HUES, lookOf } from '../../page/lib/services.js';

const NAMES = ['shop', 'gateway', 'orders', 'payments', 'warehouse', 'shipping', 'projection', 'mail'];

test('a service looks the same whatever was seen before', () => {
  const first = NAMES.map((name) => lookOf(name));
  // It follows from the name, and from nothing that the page remembers.
  assert.deepEqual(first, [...NAMES].reverse().map((name) => lookOf(name)).reverse());
  assert.deepEqual(lookOf('billing'), { hue: 2, letters: 'bi' });
  assert.deepEqual(['order-service', 'billing', '注文', '', '<img>'].map((name) => lookOf(name).letters), ['os', 'bi', '注文', '?', 'im']);
});

test('of services shown together no two look alike', () => {
  const looks = (names) => new Map(names.map((name) => [name, lookOf(name, names)]));
  const one = looks(NAMES);
  assert.equal(new Set([...one.values()].map(({ hue }) => hue)).size, NAMES.length);
  assert.equal(new Set([...one.values()].map(({ letters }) => letters)).size, NAMES.length);
  // The order in which they come changes nothing.
  const other = looks([...NAMES].reverse());
  for (const name of NAMES) assert.deepEqual(other.get(name), one.get(name), name);
  // Whoever has a hue alone keeps it.
  assert.equal(one.get('warehouse').hue, lookOf('warehouse').hue);
});

test('as many services as hues share none, more of them do', () => {
  const few = Array.from({ length: HUES }, (_, n) => `service-${n}`);
  assert.equal(new Set(few.map((name) => lookOf(name, few).hue)).size, HUES);
  const names = Array.from({ length: 40 }, (_, n) => `worker-${n}`);
  const hues = names.map((name) => lookOf(name, names).hue);
  assert.ok(hues.every((hue) => hue >= 0 && hue < HUES));
  assert.equal(new Set(hues).size, HUES);
  assert.deepEqual(lookOf('', ['', '…']), lookOf('', ['…', '']));
});

test('no service has the colour of an error', () => {
  const css = readFileSync(new URL('../../page/styles/tokens.css', import.meta.url), 'utf8');
  const [dark, light] = css.split('@media (prefers-color-scheme: light)');
  for (const theme of [dark, light.slice(0, light.indexOf('}\n}'))]) {
    const color = (name) => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(theme)[1];
    for (let hue = 0; hue < HUES; hue += 1) {
      assert.ok(distance(color(`hue-${hue}`), color('bad')) > 0.09, `hue ${hue}: ${color(`hue-${hue}`)}`);
      for (let other = 0; other < hue; other += 1) assert.ok(distance(color(`hue-${hue}`), color(`hue-${other}`)) > 0.07, `hues ${other} and ${hue}`);
    }
  }
});

/** How different two colours look: their distance in Oklab. */
function distance(a, b) {
  const [left, right] = [a, b].map(lab);
  return Math.hypot(...left.map((value, i) => value - right[i]));
}

function lab(color) {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const [l, m, s] = [0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b, 0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b, 0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b].map(Math.cbrt);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}
