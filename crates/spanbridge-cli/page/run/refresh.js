// When something that changes is loaded anew: soon, but at most a quarter of the time.

/** How soon a change is shown, at the earliest, in milliseconds. */
const SOON = 400;

export class Refresher {
  /** `load` is asked to load. What changes while it does is loaded after it. */
  constructor(load, soon = SOON) {
    Object.assign(this, { load, soon, timer: undefined, isLoading: false, isStale: false, took: 0 });
  }

  /** Something has changed. */
  changed() {
    if (this.isLoading) this.isStale = true;
    else this.timer ??= setTimeout(() => this.now(), Math.max(this.soon, 3 * this.took));
  }

  async now() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.isStale = false;
    this.isLoading = true;
    const begun = performance.now();
    try {
      await this.load();
    } finally {
      this.took = performance.now() - begun;
      this.isLoading = false;
      if (this.isStale) this.changed();
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.load = async () => {};
    this.isStale = false;
  }
}
