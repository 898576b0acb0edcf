// Runs `spanbridge`: imports recordings into a store, and serves it. What was started ends with this process, whatever its end.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function told(variable) {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: run the tests with \`cargo xtask browser\``);
  return value;
}

export const BINARY = told('SPANBRIDGE_PAGE_BINARY');
export const CHROMIUM = told('SPANBRIDGE_PAGE_CHROMIUM');
export const PACKAGES = told('SPANBRIDGE_PAGE_PACKAGES');

const PATIENCE = 30_000;
const children = new Set();
const scratch = mkdtempSync(join(tmpdir(), 'spanbridge-page-'));

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});
for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) {
  process.on(signal, () => process.exit(128 + number));
}

/** The path of a directory that is removed at the end. */
export function directory(name) {
  return join(scratch, name);
}

// A stranger's settings do not matter here.
const environment = { ...process.env };
for (const name of ['SPANBRIDGE_DB', 'SPANBRIDGE_TOKEN', 'NO_COLOR', 'CLICOLOR_FORCE']) delete environment[name];

/** Imports recordings into the store at `db`. */
export function store(db, ...recordings) {
  const input = recordings.flat().map((recording) => recording.lines()).join('');
  const done = spawnSync(BINARY, ['import', '--db', db, '-'], { input, encoding: 'utf8', env: environment });
  if (done.status !== 0) throw new Error(`failed to import records: ${done.stderr || done.error}`);
  return db;
}

/** A running `spanbridge serve`. */
export class Server {
  constructor(db, { args = [], token } = {}) {
    this.db = db;
    this.args = args;
    this.token = token;
    this.listen = '127.0.0.1:0';
  }

  static async start(db, options) {
    const server = new Server(db, options);
    await server.start();
    return server;
  }

  async start() {
    const env = this.token ? { ...environment, SPANBRIDGE_TOKEN: this.token } : environment;
    const child = spawn(BINARY, ['serve', '--db', this.db, '--listen', this.listen, ...this.args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    this.child = child;
    this.ended = new Promise((resolve) => child.on('close', resolve));
    this.ended.then(() => children.delete(child));
    this.output = '';
    const address = new Promise((resolve, reject) => {
      const read = (text) => {
        this.output += text;
        const found = /http:\/\/(127\.0\.0\.1:\d+)/.exec(this.output);
        if (found) resolve(found[1]);
      };
      child.stdout.setEncoding('utf8').on('data', read);
      child.stderr.setEncoding('utf8').on('data', read);
      child.on('error', reject);
      this.ended.then((code) => reject(new Error(`spanbridge serve ended with ${code}: ${this.output}`)));
      setTimeout(() => reject(new Error(`spanbridge serve printed no address: ${this.output}`)), PATIENCE).unref();
    });
    // After a restart it is found where it was.
    this.listen = await address;
    this.url = `http://${this.listen}`;
  }

  async stop() {
    if (!children.has(this.child)) return;
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE);
    await this.ended;
    clearTimeout(late);
  }

  /** The JSON that an endpoint answers. */
  async json(path) {
    const headers = this.token ? { authorization: `Bearer ${this.token}` } : {};
    const response = await fetch(this.url + path, { headers });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}
