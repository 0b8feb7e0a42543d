// The clip that comes next: asked for while this one is looked at, so that going on does not wait for the server. No DOM, no
// fetch of its own: node tests this file as it is.

const PAUSE_MS = 100;

export class Prefetch {
  /**
   * `ask(from)` resolves to the data of the clip that comes after a segment, or to null; `prepare(data)` gives what is kept with
   * them: it has a `close`, and a promise `settled`. `onSettled` is called when all is ready, or nothing will be. `timers` has set
   * and clear.
   */
  constructor({ ask, prepare, timers, onSettled }) {
    Object.assign(this, { ask, prepare, timers, onSettled });
    this.from = undefined;
    this.ready = null;
    this.asking = Promise.resolve();
    this.turn = 0;
  }

  /** Say from which segment the page will go on, null where it cannot; this clip's own first picture goes first. */
  at(from) {
    if (from === this.from) return;
    this.close();
    this.from = from;
    if (from === null) {
      this.onSettled();
      return;
    }
    const turn = this.turn;
    this.asking = new Promise((answered) => {
      this.answered = answered;
    });
    this.timer = this.timers.set(async () => {
      const data = await this.ask(from).catch(() => null);
      if (turn !== this.turn) return;
      if (data) this.ready = { data, kept: this.prepare(data) };
      this.answered();
      await this.ready?.kept.settled;
      if (turn === this.turn) this.onSettled();
    }, PAUSE_MS);
  }

  /** Give away what is ready, once; null where nothing is. */
  take() {
    const { ready } = this;
    this.ready = null;
    return ready;
  }

  /** Resolves when the answer that was asked for is in, or will not come. */
  coming() {
    return this.asking;
  }

  close() {
    this.turn += 1;
    this.timers.clear(this.timer);
    this.answered?.();
    this.ready?.kept.close();
    this.ready = null;
    this.from = undefined;
  }
}
