// Everything of this page that the server has not acknowledged, of whatever clip, and what pages that are gone left in this browser.
// One saver for each clip that was opened; a clip that is left goes on being saved. No DOM and no fetch of its own: node tests
// this file as it is.

import { Journal, entriesOf } from "./journal.js";
import { Saver } from "./saver.js";

const AGAIN_MS = 11000;

/** A permit's stream that stands for all streams of its reviewer. */
export const EVERY_STREAM = "*";

export class Outbox {
  /**
   * `sender(held)` makes the function that posts commits by a permit: see Saver. `tab` is a name that survives a reload. `timers` has
   * set, clear and now.
   */
  constructor({ storage, tab, sender, timers }) {
    Object.assign(this, { storage, tab, sender, timers });
    this.savers = new Map();
    this.permits = new Map();
    this.left = [];
    this.listeners = new Set();
    this.pages = 0;
    this.changed = () => { for (const listener of this.listeners) listener(); };
  }

  /** Call a function at every change, until what this returns is called. */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Say for whom this page may send; `held` has token and routes, and may be renewed. */
  permit({ workspace, reviewer, stream, held }) {
    this.permits.set([workspace, reviewer, stream].join("\n"), held);
  }

  /** Give the saver of a clip: the one that is still at work on it, with what the server has sent since, or a new one. */
  open(data, clip, held, hooks) {
    const { workspace, stream, reviewer, operations, revision } = data;
    this.permit({ workspace, reviewer, stream, held });
    const name = [workspace, stream, reviewer, clip.clipId].join("\n");
    const classes = data.classes.map((c) => c.name);
    const fits = JSON.stringify([data.run_id, classes]);
    const known = this.savers.get(name);
    const callbacks = { onChange: () => { hooks.onChange(); this.changed(); }, onRebuilt: hooks.onRebuilt };
    if (known?.fits === fits) {
      Object.assign(known, callbacks);
      known.renew(operations, revision);
      return known;
    }
    // Another run has other frames or classes: the new saver takes over what the old one has not sent.
    known?.leave();
    this.pages += 1;
    const page = `${this.timers.now().toString(36)}-${this.pages}`;
    const journal = new Journal({
      storage: this.storage, who: { workspace, stream, reviewer }, clipId: clip.clipId, tab: this.tab, page, now: this.timers.now,
    });
    const saved = { clipId: clip.clipId, stream, classes, frameNumbers: clip.frameNumbers };
    const saver = new Saver({ clip: saved, stored: operations, revision, journal, send: this.sender(held), timers: this.timers, ...callbacks });
    saver.fits = fits;
    this.savers.set(name, saver);
    return saver;
  }

  /** Let a clip go: saving goes on behind it until all is stored. */
  close(saver) {
    saver.onRebuilt = () => {};
    saver.onChange = this.changed;
    return saver.detach();
  }

  /** Return the state of everything in one word, how many acts are not acknowledged, and in which clips. */
  state() {
    const savers = [...this.savers.values()].filter((saver) => saver.pending.length);
    const waiting = this.left.filter((entry) => entry.why !== "another's");
    const status = new Set([...savers.map((saver) => saver.status), ...waiting.map((entry) => (entry.why === "conflict" ? "conflict" : "unsaved"))]);
    const clips = [...savers.map((saver) => saver.clip.clipId), ...waiting.map((entry) => entry.clip)];
    const acts = [...savers.map((saver) => saver.pending), ...waiting.map((entry) => entry.operations)].reduce((sum, o) => sum + o.length, 0);
    return { word: ["conflict", "unsaved", "saving"].find((word) => status.has(word)) ?? "saved", acts, clips: [...new Set(clips)] };
  }

  /** Tell whether this page holds acts that the server has not acknowledged. */
  get unsent() {
    return [...this.savers.values()].some((saver) => saver.pending.length);
  }

  /** What needs somebody to look at it, in other clips than one: `{clip, why, acts, reviewer}`. */
  troubles(but) {
    const own = [...this.savers.values()].filter((saver) => saver !== but && saver.pending.length && (saver.conflict || (saver.trouble && !saver.trouble.again)));
    return [
      ...own.map((saver) => ({ clip: saver.clip.clipId, why: saver.conflict ? "conflict" : "refused", acts: saver.pending.length })),
      ...this.left.filter((entry) => entry.why !== "waiting").map(({ clip, why, operations, reviewer }) => ({ clip, why, acts: operations.length, reviewer })),
    ];
  }

  /** The network is back, or somebody asks: send everything now. */
  retry() {
    return Promise.all([...[...this.savers.values()].map((saver) => saver.retry()), this.sweep()]);
  }

  flush(how) {
    return Promise.all([...this.savers.values()].map((saver) => saver.flush(how)));
  }

  /** The page goes: send what can be sent, and leave the rest to the journal. */
  leave() {
    for (const saver of this.savers.values()) saver.leave();
  }

  /** The page was kept by the browser, and is looked at again. */
  back() {
    for (const saver of this.savers.values()) saver.stay();
    return this.retry();
  }

  /** Send what pages that are gone left in this browser, of every clip and stream that this page has a permit for. */
  async sweep() {
    if (this.sweeping) return;
    this.sweeping = true;
    this.timers.clear(this.timer);
    const left = [];
    let young = false;
    for (const entry of this.entries()) {
      if (entry.alive) young = true;
      else {
        const why = await this.sent(entry);
        if (why === null) this.storage.removeItem(entry.key);
        else left.push({ ...entry, why });
      }
    }
    this.left = left;
    this.sweeping = false;
    // What another page holds may be left behind in a moment.
    if (young || left.some((entry) => entry.why === "waiting")) this.timer = this.timers.set(() => this.sweep(), AGAIN_MS);
    this.changed();
  }

  /** What the journals of other pages hold; `alive` where such a page may still be at work. */
  entries() {
    const own = new Set([...this.savers.values()].map((saver) => saver.journal.key));
    const workspaces = new Set([...this.permits.keys()].map((name) => name.split("\n")[0]));
    return [...workspaces].flatMap((workspace) => entriesOf(this.storage, workspace, { tab: this.tab, now: this.timers.now() })).filter((entry) => !own.has(entry.key));
  }

  /** Send an entry; null when it is stored, else why it is not. */
  async sent({ workspace, reviewer, stream, clip, base, classes, operations }) {
    const held = this.permits.get([workspace, reviewer, stream].join("\n")) ?? this.permits.get([workspace, reviewer, EVERY_STREAM].join("\n"));
    if (!held) return "another's";
    const message = { clip_id: clip, stream, base_revision: base, sequence: 0, classes, operations, state: null };
    try {
      const { status } = await this.sender(held)(message, { keepalive: false });
      if (status === 200) return null;
      if (status === 409) return "conflict";
      return status >= 500 ? "waiting" : "refused";
    } catch {
      return "waiting";
    }
  }
}
