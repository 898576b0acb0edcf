// Every test, in one process with one browser: those of single modules first.

import { readdirSync } from 'node:fs';

const MINUTES = 15;

const files = ['unit/', './'].flatMap((directory) => {
  const names = readdirSync(new URL(directory, import.meta.url)).filter((name) => name.endsWith('.test.mjs'));
  return names.sort().map((name) => new URL(directory + name, import.meta.url).href);
});

// One module imports them all: between imports of their own, the runner could take the tests so far for the whole.
await import(`data:text/javascript,${encodeURIComponent(files.map((file) => `import ${JSON.stringify(file)};`).join(''))}`);

setTimeout(() => {
  console.error(`the tests of the page have not ended within ${MINUTES} minutes`);
  process.exit(1);
}, MINUTES * 60_000).unref();
