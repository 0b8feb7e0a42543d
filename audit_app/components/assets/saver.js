// Saving: every act goes into the journal at once, to the server after a short pause, and out of the journal only when the
// server says that it is stored. No DOM and no fetch of its own: node tests this file as it is.

import { replay, translated } from "./operations.js";

const PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 1500;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10000;
const HEARTBEAT_MS = 3000;
const MOST_AT_ONCE = 200;
const KEEPALIVE_BYTES = 60000;

export class Saver {
  /**
   * `send(message, {keepalive})` resolves to {status, body} and rejects where the server is not reached. `timers` has set and
   * clear. `onChange` is called whenever `status` may have changed; `onRebuilt(operations)` when the page must replay anew.
   */
  constructor({ clip, stored, revision, journal, send, timers, onChange, onRebuilt }) {
    Object.assign(this, { clip, journal, send, timers, onChange, onRebuilt });
    this.stored = stored;
    this.revision = revision;
    this.pending = [];
    this.open = false;
    this.sequence = 0;
    this.inFlight = false;
    this.conflict = null;
    this.trouble = null;
    this.retryMs = FIRST_RETRY_MS;
    this.timer = null;
    this.waitingSince = null;
    this.heartbeat = null;
    this.turn = 0;
    this.left = false;
  }

  /** Take in what the server has sent of the clip since; older than what this page knows, it is passed over. */
  renew(stored, revision) {
    if (this.conflict || revision < this.revision) return;
    const known = new Set(this.operations().map((operation) => operation.operation_id));
    const ofOthers = stored.some((o) => (o.revision ?? 0) > this.revision && !known.has(o.operation_id));
    const there = new Set(stored.map((operation) => operation.operation_id));
    this.pending = this.pending.filter((operation) => !there.has(operation.operation_id));
    this.stored = stored;
    // Where somebody else saved and acts are on their way, the server shall say so, and the reviewer decide.
    if (!(ofOthers && this.pending.length)) this.revision = revision;
    this.write();
  }

  get status() {
    if (this.conflict) return "conflict";
    if (!this.pending.length) return "saved";
    return this.inFlight && !this.trouble ? "saving" : "unsaved";
  }

  /** Take in what earlier pages left behind for this clip. Returns how many acts came back. */
  adopt() {
    let adopted = 0;
    for (const entry of this.journal.leftBehind()) {
      if (entry.clip !== this.clip.clipId) continue;
      const known = new Set([...this.stored, ...this.pending].map((operation) => operation.operation_id));
      const acts = entry.operations.filter((o) => !known.has(o.operation_id)).map((o) => translated(o, entry.classes, this.clip.classes));
      if (acts.includes(null)) continue;
      const own = new Set(entry.operations.map((operation) => operation.operation_id));
      // Somebody saved to this clip after that page last heard of it: the server shall say so, and the reviewer decide.
      const ofOthers = this.stored.some((o) => (o.revision ?? 0) > entry.base && !own.has(o.operation_id));
      if (acts.length && ofOthers) this.revision = Math.min(this.revision, entry.base);
      this.pending.push(...acts);
      adopted += acts.length;
      this.write();
      this.journal.forget(entry.key);
    }
    if (adopted) {
      this.onRebuilt(this.operations());
      this.schedule();
    }
    return adopted;
  }

  /** All operations in their order: those stored, then those on their way. */
  operations() {
    return [...this.stored, ...this.pending];
  }

  add(operation, { open = false } = {}) {
    this.pending.push(operation);
    this.open = open;
    this.changed();
  }

  /** The newest act grew: a stroke of the pen that is still going on. */
  grow(operation) {
    this.pending[this.pending.length - 1] = operation;
    this.changed();
  }

  close() {
    if (!this.open) return;
    this.open = false;
    this.changed();
  }

  changed() {
    this.write();
    this.onChange();
    this.schedule();
  }

  write() {
    this.journal.keep({ base: this.revision, classes: this.clip.classes, operations: this.pending, left: this.left });
    if (this.pending.length && this.heartbeat === null) this.beat();
  }

  beat() {
    this.heartbeat = this.timers.set(() => {
      this.heartbeat = null;
      if (this.pending.length) this.write();
    }, HEARTBEAT_MS);
  }

  schedule() {
    if (this.conflict || this.inFlight || !this.sendable().length) return;
    const now = this.timers.now();
    this.waitingSince ??= now;
    this.timers.clear(this.timer);
    const pause = this.trouble ? this.retryMs : Math.min(PAUSE_MS, Math.max(0, this.waitingSince + LONGEST_PAUSE_MS - now));
    this.timer = this.timers.set(() => this.flush(), pause);
  }

  sendable() {
    return this.open ? this.pending.slice(0, -1) : this.pending.slice();
  }

  /** Send what is pending now. Resolves when the answer is in. */
  async flush({ keepalive = false, anew = false } = {}) {
    this.timers.clear(this.timer);
    this.timer = null;
    this.waitingSince = null;
    const acts = this.sendable().slice(0, MOST_AT_ONCE);
    if (this.conflict || !acts.length || (this.inFlight && !keepalive && !anew)) return;
    const message = this.message(acts, { keepalive });
    if (message === null) return;
    this.turn += 1;
    const { turn } = this;
    this.inFlight = true;
    this.onChange();
    let answer;
    try {
      answer = await this.send(message, { keepalive });
    } catch {
      answer = { status: 0, body: { error: "the server does not answer", hint: "What you paint is kept in this browser and sent again" } };
    }
    // A request that was overtaken counts only where it was heard.
    if (turn !== this.turn && answer.status !== 200) return;
    if (turn === this.turn) this.inFlight = false;
    this.answered(answer);
  }

  message(acts, { keepalive }) {
    this.sequence += 1;
    const message = {
      clip_id: this.clip.clipId,
      stream: this.clip.stream,
      base_revision: this.revision,
      sequence: this.sequence,
      classes: this.clip.classes,
      operations: acts.map(({ operation_id, at, spans, undoes, note }) => ({ operation_id, at, spans: undoes ? [] : spans, undoes, note })),
      state: base64(replay([...this.stored, ...acts], this.clip.frameNumbers)),
    };
    if (!keepalive || JSON.stringify(message).length < KEEPALIVE_BYTES) return message;
    const { state, ...small } = message;
    // Beyond this size browsers refuse to send from a page that is going: then the journal has it.
    return JSON.stringify(small).length < KEEPALIVE_BYTES && state ? small : null;
  }

  answered({ status, body }) {
    if (status === 200) {
      const acknowledged = new Set(body.acknowledged);
      this.stored = [...this.stored, ...this.pending.filter((o) => acknowledged.has(o.operation_id))];
      this.pending = this.pending.filter((o) => !acknowledged.has(o.operation_id));
      this.revision = Math.max(this.revision, body.revision);
      this.trouble = null;
      this.retryMs = FIRST_RETRY_MS;
    } else if (status === 409) {
      this.conflict = { revision: body.revision, operations: body.operations.map((o) => translated(o, body.classes, this.clip.classes) ?? o) };
    } else {
      const again = status === 0 || status >= 500;
      this.trouble = { text: body?.error ?? `error ${status}`, hint: body?.hint ?? "", again };
    }
    this.write();
    this.onChange();
    if (!this.trouble || this.trouble.again) this.schedule();
    if (this.trouble?.again) this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
  }

  /** The network is back, or the reviewer asks: try now. */
  retry() {
    this.retryMs = FIRST_RETRY_MS;
    // What hangs in a line that broke is not waited for: the store takes every act once.
    return this.flush({ anew: true });
  }

  /** Lay my acts over theirs. */
  keepMine() {
    this.takeIn();
    this.writeAnew();
    return this.flush();
  }

  /** Let theirs stand; mine are set aside until they are restored or forgotten. */
  takeTheirs() {
    this.setAside();
    this.takeIn();
    this.writeAnew();
  }

  /** The server refuses these acts for good (another run has other frames, say): keep them apart, so that others can be saved. */
  setRefusedAside() {
    this.setAside();
    this.trouble = null;
    this.writeAnew();
  }

  setAside() {
    this.journal.setAside(this.pending, this.clip.classes);
    this.pending = [];
    this.open = false;
  }

  writeAnew() {
    this.write();
    this.onRebuilt(this.operations());
    this.onChange();
  }

  takeIn() {
    const { revision, operations } = this.conflict;
    if (revision < this.revision) {
      // The database was set back to an older copy: what it had acknowledged is sent again, and it skips what it still has.
      this.pending = [...this.stored, ...this.pending];
      this.stored = [];
    }
    const known = new Set([...this.stored, ...this.pending].map((o) => o.operation_id));
    this.stored = [...this.stored, ...operations.filter((o) => !known.has(o.operation_id))];
    this.revision = revision;
    this.conflict = null;
  }

  /** Lay acts that were set aside over what is there after all. */
  restoreAside() {
    const kept = this.journal.aside();
    if (!kept) return;
    const known = new Set(this.operations().map((o) => o.operation_id));
    const acts = kept.operations.map((o) => translated(o, kept.classes, this.clip.classes));
    this.pending.push(...acts.filter((o) => o && !known.has(o.operation_id)));
    this.journal.forgetAside();
    this.onRebuilt(this.operations());
    this.changed();
  }

  /** The page goes: send what there is, and leave the rest to the journal. */
  leave() {
    this.open = false;
    this.left = true;
    this.write();
    return this.flush({ keepalive: true });
  }

  /** The page did not go after all. */
  stay() {
    this.left = false;
    this.write();
  }

  /** The clip goes, the page stays: saving goes on behind it until all is stored. */
  detach() {
    this.open = false;
    this.write();
    return this.flush();
  }
}

/** Return an Int16Array as base64 of its little-endian bytes. */
export function base64(codes) {
  const view = new DataView(new ArrayBuffer(codes.length * 2));
  codes.forEach((code, i) => view.setInt16(i * 2, code, true));
  const bytes = new Uint8Array(view.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
