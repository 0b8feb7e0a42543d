// The component: mounts the labeller, hands keys and the mouse to the reducer, draws, and saves.

import { h, icon, setAttribute, setText } from "./dom.js";
import { decoded } from "./decoding.js";
import { openHelp, openNote } from "./dialogs.js";
import { Stage } from "./drawing.js";
import { ACTIONS, keymap } from "./keymap.js";
import { fillWindow, layout } from "./layout.js";
import { addListeners } from "./input_events.js";
import { InputGate } from "./input_gate.js";
import { ClipNavigation } from "./clip_navigation.js";
import { Prefetch } from "./prefetch.js";
import { mounting } from "./mounting.js";
import { lowerBound } from "./operations.js";
import { paletteOf } from "./palette.js";
import { Pictures } from "./pictures.js";
import { reducerWith } from "./reducer.js";
import { outbox, tabStorage, timers } from "./page_outbox.js";
import { Similar } from "./similar.js";
import { allDecidedBut, opened, selection, spanText } from "./state.js";
import { Tracks } from "./tracks.js";
import { UndoHistory } from "./undo_history.js";
import { showBars, showClasses, showClip, showFrame, showNotes, showProgress, showSaving, showState, titleOf } from "./views.js";

const STROKE_PAUSE_MS = 900;
const TOAST_MS = 1800;
const WHOSE = ["reviewer", "stream", "run_id", "workspace"];

export default mounting((parent, data) => new Labeller(parent, data.keys));

const uuid = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
const reduce = reducerWith({ newId: uuid, now: () => new Date().toISOString() });

class Labeller {
  constructor(parent, keys) {
    this.parent = parent;
    this.host = parent.host ?? parent;
    this.keys = keymap(keys);
    this.byId = new Map(ACTIONS.map((action) => [action.id, action]));
    this.held = {};
    this.gate = new InputGate();
    this.parts = layout({ tip: this.keys.tip, shortcut: this.keys.shortcut, run: (id, at) => this.run(id, at) });
    this.stage = new Stage(this.parts.canvas);
    this.tracks = new Tracks(this.parts.tracks);
    this.similar = new Similar(this.parts.similar);
    const ahead = { ask: (from) => this.clipAfter(from), prepare: (data) => this.prepared(data), onSettled: () => this.pictures.release() };
    this.prefetch = new Prefetch({ ...ahead, timers });
    this.navigation = new ClipNavigation(this, { prefetch: this.prefetch, gate: this.gate, newId: uuid, timers, allDecidedBut });
    parent.append(this.parts.root);
    this.unsubscribe = outbox.subscribe(() => this.showSaver());
    this.listeners = addListeners(this);
    this.resizing = new ResizeObserver(() => this.measure());
    this.resizing.observe(this.parts.stageBox);
    this.resizing.observe(this.parts.lane);
  }

  // ---- life -----------------------------------------------------------------------------------------------------------

  update(data, setTriggerValue) {
    this.setTriggerValue = setTriggerValue;
    this.palette = null;
    Object.assign(this.held, { token: data.token, routes: data.routes });
    if (this.given !== data) {
      this.given = data;
      this.take(data);
    }
    this.measure();
  }

  /** New data from Streamlit. The page may have gone ahead: what does not answer its last request is late. */
  take(data) {
    if (this.navigation.late(data)) return;
    const alike = this.data && WHOSE.every((k) => this.data[k] === data[k]);
    const same = alike && this.data.clip.clip_id === data.clip.clip_id && JSON.stringify(this.data.classes) === JSON.stringify(data.classes);
    // Somebody saved to a clip while it lay ready: where nothing of this page is on its way, it opens as it is stored.
    const stale = same && this.saver.status === "saved" && data.revision > this.saver.revision;
    if (same && !stale) this.again(data);
    else this.open(data);
    this.navigation.answered({ another: !same });
  }

  open(data, { clip = decoded(data), pictures = null } = {}) {
    if (this.saver) outbox.close(this.saver);
    this.pictures?.close();
    if (!this.data || WHOSE.some((k) => this.data[k] !== data[k])) {
      this.navigation.seen.clear();
      this.history = new UndoHistory({ storage: tabStorage, who: data });
    }
    this.data = data;
    this.navigation.remember(data);
    this.gate.arrived();
    this.saver = outbox.open(data, clip, this.held, {
      onChange: () => this.showSaver(),
      onRebuilt: (operations) => this.dispatch({ type: "restored", operations }),
    });
    this.state = opened(clip, {
      operations: this.saver.operations(), segmentId: data.segment_id, reviewer: data.reviewer, step: data.step, speed: this.state?.speed ?? 1,
    });
    this.stage.open(clip);
    this.tracks.open(clip);
    this.showSimilar(data, clip);
    // The next clip's first picture comes before the rest of this one's, which nobody may look at.
    this.pictures = pictures ?? this.picturesOf(clip);
    if (clip.pictures) this.pictures.want(this.state.cursor);
    showClip(this.parts, clip, { progress: data.progress, rows: this.tracks.rows, reviewer: data.reviewer });
    showClasses(this.parts, clip, {
      keyFor: (label, code) => this.keys.shown(label.name === "other" ? "other" : `paint_${code + 1}`),
      choose: (label, code, at) => { if (this.lets({ id: "paint", group: "Paint" }, at)) this.dispatch({ type: "paint", code }); },
    });
    this.resized = null;
    const back = this.saver.adopt();
    if (back) this.say(`${back} ${back === 1 ? "act" : "acts"} that were not saved before came back.`);
    outbox.sweep();
    this.prefetch.close();
    this.prefetch.at(typeof data.queue_query === "string" ? data.segment_id : null);
    this.showSaver();
    this.refresh();
    if (document.activeElement === document.body) this.parts.canvas.focus({ preventScroll: true });
  }

  /** The same clip with other circumstances: a renewed token, another segment to start at, other progress. */
  again(data) {
    const before = this.data;
    this.data = data;
    showClip(this.parts, this.state.clip, { progress: data.progress, rows: this.tracks.rows, reviewer: data.reviewer });
    showProgress(this.parts, this.state, data.progress);
    const place = this.state.clip.segments.findIndex((s) => s.segment_id === data.segment_id);
    const asked = this.navigation.request && !this.navigation.request.to;
    if ((asked || data.segment_id !== before.segment_id) && place >= 0) this.dispatch({ type: "to_segment", place });
    this.prefetch.at(typeof data.queue_query === "string" ? data.segment_id : null);
    if (this.saver.trouble) outbox.retry();
  }

  picturesOf(clip, onReady = () => {}) {
    const { run_id: run } = this.data;
    const url = (frame) => `${this.held.routes.picture}?${new URLSearchParams({ clip: clip.clipId, frame, run })}`;
    return new Pictures({
      url: (place) => (clip.pictures?.[place] ? url(clip.frameNumbers[place]) : null),
      token: this.held.token, count: clip.frameNumbers.length, fps: clip.fps,
      onReady: (place) => {
        if (place === this.state.cursor) this.refresh();
        onReady(place);
      },
      few: true,
    });
  }

  /** Ask for the clip that comes after a segment in the queue. */
  clipAfter(from) {
    return this.ask("next", { ...Object.fromEntries(new URLSearchParams(this.data.queue_query)), from });
  }

  /** Ask a route of the server; null where it has nothing to tell. */
  async ask(route, query) {
    const answer = await fetch(`${this.held.routes[route]}?${new URLSearchParams(query)}`, { headers: { "X-Audit-Token": this.held.token } });
    return answer.status === 200 ? answer.json() : null;
  }

  /** Where the clip came before those that look like it were known, they are asked for: nobody waits for them. */
  async showSimilar(data, clip) {
    this.similar.open(data.similar, clip);
    const { shown } = this.similar;
    if (data.similar !== null) return;
    const found = await this.ask("similar", { from: data.segment_id }).catch(() => null);
    if (!found) return;
    data.similar = found;
    // Another clip is shown by now.
    if (this.similar.shown !== shown) return;
    this.similar.open(found, clip);
    this.refresh();
  }

  /** Decode a clip before it is shown, and have its first pictures drawn at once when it is. */
  prepared(data) {
    const clip = decoded(data);
    const { cursor } = opened(clip, { segmentId: data.segment_id });
    let pictures;
    const settled = new Promise((resolve) => {
      pictures = this.picturesOf(clip, (place) => { if (place === cursor) resolve(); });
      if (!clip.pictures?.[cursor]) resolve();
    });
    if (clip.pictures) pictures.want(cursor);
    return { clip, pictures, settled, close: () => pictures.close() };
  }

  destroy() {
    this.gone = true;
    this.listeners.abort();
    this.resizing.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.strokeTimer);
    clearTimeout(this.toastTimer);
    this.unsubscribe();
    outbox.close(this.saver);
    this.pictures.close();
    this.prefetch.close();
    this.parts.root.remove();
  }

  // ---- acts -----------------------------------------------------------------------------------------------------------

  dispatch(action) {
    const before = this.state;
    this.state = reduce(before, action);
    for (const effect of this.state.effects) this.effect(effect);
    if (this.state.playing && (!before.playing || before.speed !== this.state.speed || action.type === "play_segment")) this.startClock();
    if (this.state.segment !== before.segment) this.gate.turned(performance.now());
    if (this.state.cursor !== before.cursor) this.direction = this.state.cursor > before.cursor ? 1 : -1;
    this.refresh();
  }

  effect(effect) {
    if (effect.kind === "add") {
      this.saver.add(effect.operation, { open: effect.open });
      this.history.add(effect.operation, this.place);
    }
    if (effect.kind === "forget") this.history.forget(effect.id);
    if (effect.kind === "grow") this.saver.grow(effect.operation);
    if (effect.kind === "close") this.saver.close();
    if (effect.kind === "say") this.say(effect.text);
    if (effect.kind === "go") this.navigation.leave(effect);
    if (effect.kind === "add" || effect.kind === "grow") {
      clearTimeout(this.strokeTimer);
      if (this.saver.open) this.strokeTimer = setTimeout(() => this.dispatch({ type: "close" }), STROKE_PAUSE_MS);
    }
  }

  trigger(request) {
    this.setTriggerValue("go", request);
  }

  showWaiting(waiting) {
    setAttribute(this.parts.root, "data-waiting", String(waiting));
  }

  /** Tell whether an act that was asked for at this time meant what is on the screen, and say so where it did not. */
  lets(action, at) {
    if (this.gate.lets(action, at)) return true;
    this.say("Not counted: the next segment was not on the screen yet.");
    return false;
  }

  /** Where an act is done, so that undo finds the way back. */
  get place() {
    const { clip, segment } = this.state;
    return { clip: clip.clipId, segment: clip.segments[segment]?.segment_id ?? null, here: this.data.here ?? null };
  }

  /** Undo and redo: the newest act of this tab, of whatever clip; before any, the newest of this clip. */
  turnBack(type) {
    const act = type === "undo" ? this.history.last : this.history.lastUndone;
    const turn = () => this.dispatch({ type, id: act && (type === "undo" ? act.id : act.by) });
    if (!act || (act.clip === this.place.clip && act.here === this.place.here)) return turn();
    return this.navigation.back(act, () => {
      if (this.state.clip.clipId === act.clip) turn();
      else this.say(`The way back to ${act.clip} is not there any more.`);
    });
  }

  /** Do an act by its name in the keymap. */
  run(id, at = performance.now()) {
    const action = this.byId.get(id);
    if (!this.lets(action, at)) return;
    const act = { ...action.act };
    if (act.by === "step") act.by = this.state.step;
    if (act.by === "-step") act.by = -this.state.step;
    if (action.page) this.page(action.page);
    else if (act.type === "undo" || act.type === "redo") this.turnBack(act.type);
    else this.dispatch(act);
  }

  page(name) {
    if (name === "help") {
      const { keysOf, problems } = this.keys;
      openHelp(this.parts.root, { keysOf, problems, classNames: this.state.clip.classes.map(titleOf), run: (id) => this.run(id) });
    } else if (name === "note") {
      const where = spanText(this.state, ...(selection(this.state) ?? [this.state.cursor, this.state.cursor]));
      openNote(this.parts.root, { where, keep: (text) => this.dispatch({ type: "note", text }) });
    } else {
      this.stage.change(name);
      this.refresh();
    }
  }

  // ---- showing --------------------------------------------------------------------------------------------------------

  refresh() {
    if (this.frame || this.gone) return;
    this.frame = requestAnimationFrame((now) => {
      this.frame = null;
      this.render(now);
    });
  }

  startClock() {
    this.clock = { wall: performance.now(), ms: this.state.clip.times[this.state.cursor] };
  }

  /** While playing, go to the frame that the clip's own timestamps name. */
  advance(now) {
    const { times } = this.state.clip;
    const ms = this.clock.ms + (now - this.clock.wall) * this.state.speed;
    let place = this.state.cursor;
    while (place + 1 < times.length && times[place + 1] <= ms) place += 1;
    if (place !== this.state.cursor || place >= (this.state.until ?? times.length - 1)) this.dispatch({ type: "tick", place });
  }

  render(now) {
    if (this.state.playing) this.advance(now);
    const { state, parts } = this;
    if (!this.palette) {
      this.palette = paletteOf(this.host);
      setAttribute(parts.root, "data-dark", String(this.palette.dark));
    }
    if (this.shown?.cursor !== state.cursor || this.shown?.codes !== state.codes || this.shown?.clip !== state.clip) showFrame(parts, state);
    this.drawStage(state);
    this.tracks.draw(state, this.palette);
    // What a range that is still being marked is about follows the cursor.
    const marking = state.mark !== null && this.differs("cursor");
    if (marking || this.differs("codes", "mark", "pen", "segment", "speed", "playing", "operations", "lastCode", "asking", "clip")) this.showAround(state);
    this.shown = state;
    this.gate.shown(performance.now());
    const moving = this.similar.draw(now, this.palette);
    if (state.playing || moving) this.refresh();
  }

  differs(...names) {
    return !this.shown || names.some((name) => this.shown[name] !== this.state[name]);
  }

  drawStage(state) {
    const { cursor, clip } = state;
    const picture = this.pictures.get(cursor);
    const has = Boolean(clip.pictures?.[cursor]) && !this.pictures.failed.has(cursor);
    this.stage.draw(cursor, { picture, pending: has && !picture, size: clip.pictures ? this.pictures.size : null, palette: this.palette, trail: !clip.pictures });
    // The pictures are asked for after drawing: what is shown now does not wait for what comes next.
    if (clip.pictures && this.pictures.place !== cursor) {
      this.pictures.want(cursor, { direction: this.direction ?? 1, speed: state.playing ? state.speed : 1 });
      // Whoever moves looks at this clip: its pictures wait no longer for those of the next.
      this.pictures.release();
    }
    const { dataset } = this.parts.canvas;
    dataset.clip = clip.clipId;
    dataset.frame = String(clip.frameNumbers[cursor]);
    dataset.picture = picture ? "shown" : has ? "pending" : "none";
  }

  showAround(state) {
    const { parts } = this;
    showState(parts, state, { keyOf: this.keys.shown, playing: state.playing, history: this.history });
    showProgress(parts, state, this.data.progress);
    if (this.shown?.playing !== state.playing) parts.play.replaceChildren(icon(state.playing ? "pause" : "play"));
    if (this.shown?.operations !== state.operations) {
      showNotes(parts, state, (frame) => this.dispatch({ type: "goto", place: lowerBound(state.clip.frameNumbers, frame) }));
    }
  }

  showSaver() {
    const { saver } = this;
    if (!saver) return;
    showSaving(this.parts, outbox.state(), saver.trouble);
    const aside = saver.journal.aside();
    const elsewhere = outbox.troubles(saver);
    const key = JSON.stringify([saver.conflict?.revision, saver.conflict?.operations.length, saver.trouble?.text, aside?.operations.length, saver.journal.works, elsewhere]);
    if (key === this.bars) return;
    this.bars = key;
    showBars(this.parts, saver, {
      aside, journalWorks: saver.journal.works, elsewhere,
      keepMine: () => saver.keepMine(), takeTheirs: () => saver.takeTheirs(), retry: () => outbox.retry(),
      goTo: (clip) => this.navigation.back({ clip, segment: null, here: null }, () => {}), setAside: () => saver.setRefusedAside(), restore: () => saver.restoreAside(),
      forget: () => { saver.journal.forgetAside(); this.showSaver(); },
    });
    this.measure();
  }

  say(text) {
    setText(this.parts.toast, text);
    setAttribute(this.parts.toast, "data-shown", "true");
    this.parts.live.replaceChildren(h("p", {}, text));
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => setAttribute(this.parts.toast, "data-shown", "false"), TOAST_MS);
  }

  /** Fill the rest of the window, so that nothing has to be scrolled. */
  measure() {
    const { root, stageBox, lane } = this.parts;
    if (!root.isConnected || !this.state) return;
    fillWindow(root, this.host);
    const size = [stageBox.clientWidth, stageBox.clientHeight, lane.clientWidth, this.tracks.height].join();
    if (this.resized === size) return void this.refresh();
    this.resized = size;
    lane.style.height = this.parts.names.style.height = `${this.tracks.height}px`;
    this.stage.resize(stageBox.clientWidth, stageBox.clientHeight);
    this.tracks.resize(lane.clientWidth);
    // A canvas that was resized is empty: draw before the browser shows it.
    if (this.frame) cancelAnimationFrame(this.frame);
    this.frame = null;
    this.render(performance.now());
  }
}
