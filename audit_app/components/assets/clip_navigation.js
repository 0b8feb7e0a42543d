// From clip to clip: to the one that is ready, else where the server leads. No DOM: node tests this file as it is.

const LONGEST_WAIT_MS = 700;
const LONGEST_QUESTION_MS = 2500;
const PATIENCE_MS = 10000;
const MOST_KEPT = 8;
const WORDS = { next: "Next segment …", previous: "Previous segment …", queue: "Back to the queue …" };

export class ClipNavigation {
  /**
   * `page` has state, data and saver of the clip that is shown, `open(data, kept)`, `say(text)`, `showWaiting(waiting)`,
   * `trigger(request)`, which tells Streamlit, and `gone`. `timers` has set and clear.
   */
  constructor(page, { prefetch, gate, newId, timers, allDecidedBut }) {
    Object.assign(this, { page, prefetch, gate, newId, timers, allDecidedBut });
    this.request = null;
    this.turn = 0;
    this.seen = new Map();
  }

  /** Keep the data of the clips that were seen last, so that undo goes back to them without the server. */
  remember(data) {
    const name = nameOf(data.clip.clip_id, data.here);
    this.seen.delete(name);
    this.seen.set(name, data);
    if (this.seen.size > MOST_KEPT) this.seen.delete(this.seen.keys().next().value);
  }

  /** Go on: to the clip that is ready, or will be in a moment; else where the server leads. */
  leave({ go, from }) {
    if (this.gate.waiting && go !== "queue") return;
    const { state, data, saver } = this.page;
    const sent = saver.flush();
    // Done with the clip, the queue goes on where the clip was entered: a later segment of it may lie far behind.
    const done = go === "next" && this.allDecidedBut(state, state.segment);
    const request = { go, done, from: done ? data.segment_id ?? from : from, clip_id: state.clip.clipId };
    const ahead = done || go === "next_clip";
    const ready = ahead ? this.prefetch.take() : null;
    if (ready) {
      this.ahead(request, ready);
      return;
    }
    this.page.say(WORDS[go] ?? "Another clip …");
    const turn = this.wait();
    const waited = ahead ? this.atMost(LONGEST_QUESTION_MS, this.prefetch.coming()) : Promise.resolve();
    // The server looks for what is still open: it shall know of the last act, unless that takes too long.
    waited.then(() => {
      const come = ahead && turn === this.turn ? this.prefetch.take() : null;
      return come ? this.ahead(request, come) : this.atMost(LONGEST_WAIT_MS, sent).then(() => this.follow(request, turn));
    });
  }

  /** Go back to where an act was done, of whatever clip, and then take it back there. */
  back({ clip, segment, here }, then) {
    if (this.gate.waiting) return;
    this.page.saver.flush();
    const request = { go: "back", done: false, from: null, clip_id: clip, place: segment ?? here };
    const known = this.seen.get(nameOf(clip, here));
    if (known) {
      this.ahead(request, { data: { ...known, segment_id: segment ?? known.segment_id } });
      then();
      return;
    }
    this.page.say("Back to where that was done …");
    this.then = then;
    this.follow(request, this.wait());
  }

  /** Show a clip that is here, and let the server follow. */
  ahead(request, { data, kept }) {
    if (this.page.gone) return;
    this.arrived();
    this.request = { id: this.newId(), to: data.segment_id, turn: this.turn };
    this.page.trigger({ ...request, ...this.request });
    this.page.open(data, kept);
  }

  follow(request, turn) {
    if (this.page.gone || turn !== this.turn) return;
    this.request = { id: this.newId(), to: null, turn };
    this.page.trigger({ ...request, ...this.request });
  }

  /** Hold back keys until the next segment is on the screen, or does not come. */
  wait() {
    this.turn += 1;
    const { turn } = this;
    this.gate.wait();
    this.page.showWaiting(true);
    this.timers.clear(this.patience);
    this.patience = this.timers.set(() => {
      if (turn !== this.turn || this.page.gone) return;
      this.then = null;
      this.arrived();
      this.page.say("The server does not answer. You are still here; what you do is kept.");
    }, PATIENCE_MS);
    return turn;
  }

  arrived() {
    this.turn += 1;
    this.timers.clear(this.patience);
    this.gate.stay();
    this.page.showWaiting(false);
  }

  /** Data of the server were taken in: the answer to the last request, or another clip. */
  answered({ another }) {
    const { request } = this;
    this.request = null;
    // Keys that wait for a later request go on waiting.
    if (!another && !(request && request.turn === this.turn)) return;
    this.arrived();
    const { then } = this;
    this.then = null;
    then?.();
  }

  /** Tell whether data of the server are late: they answer another request than the last one. */
  late(data) {
    return Boolean(this.request) && data.request_id !== undefined && data.request_id !== this.request.id;
  }

  /** Resolve with a promise, or without it when it takes longer. */
  atMost(ms, promise) {
    return Promise.race([promise, new Promise((resolve) => { this.timers.set(resolve, ms); })]);
  }
}

function nameOf(clipId, here) {
  return `${clipId}\n${here ?? ""}`;
}
