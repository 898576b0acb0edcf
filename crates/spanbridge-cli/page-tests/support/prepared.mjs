// The stores and servers that several tests share. Each is made when the first test asks for it.

import { after } from 'node:test';

import { Server, directory, store } from './programs.mjs';
import { attributes, hostile, large, rows, small, stories } from './stories.mjs';

const started = new Map();

function shared(name, recordings) {
  return () => {
    if (!started.has(name)) started.set(name, Server.start(store(directory(name), recordings()), {}));
    return started.get(name);
  };
}

after(() => Promise.all([...started.values()].map((server) => server.then((one) => one.stop(), () => {}))));

/** When this process began, in milliseconds since 1970. The recordings are from before. */
export const NOW = Date.now();

/** The small stories. */
export const small_stories = shared('stories', () => stories(NOW));
/** An order that was not paid, and a run that wrote the same row before. */
export const changed_rows = shared('rows', () => rows(NOW - 60_000));
/** A run with many attributes, long and short. */
export const attributes_story = shared('attributes', () => [attributes(NOW - 60_000)]);
/** Three thousand small runs. */
export const many_runs = shared('many', () => Array.from({ length: 3_000 }, (_, n) => small(`job ${n}`, NOW - 3_600_000 + n * 1_000)));
/** A run with 10,000 spans. */
export const ten_thousand = shared('10k', () => [large(10_000, NOW - 600_000)]);
/** A run with 100,000 spans. */
export const hundred_thousand = shared('100k', () => [large(100_000, NOW - 600_000)]);
/** Names that want to be more than text, and a chain of 1,000 spans. */
export const hostile_names = shared('hostile', () => [hostile(NOW - 600_000)]);
