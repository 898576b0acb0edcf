// The run as timeline, tree and map of services: what the shell mounts.
import { View } from './view.js';

/** Fills an element with the run that a context is about. See the shell for what a context has. */
export function mount(element, ctx) {
  const view = new View(element, ctx);
  view.open();
  return { update: (next) => view.update(next), unmount: () => view.close() };
}
