// Fill the parts with what the state says. Only what changed is touched: this runs for every frame that is shown.

import { h, setAttribute, setText } from "./dom.js";
import { NOT_REVIEWED, notes, redoable, undoable } from "./operations.js";
import { groundOf, inkOn } from "./palette.js";
import { poseInWords } from "./drawing.js";
import { nameOf, offer, segmentState, selection } from "./state.js";

/** Return a class in words: its name, and how people call it. */
export function titleOf(label) {
  const others = [label.en, label.ko].filter(Boolean).join(" · ");
  return others ? `${label.name} (${others})` : label.name;
}

function showChip(element, label, prefix = "", none = "–") {
  setText(element, label ? label.name : none);
  setAttribute(element, "style", label ? `background:${groundOf(label)};color:${inkOn(label.colour)}` : "");
  setAttribute(element, "title", label ? prefix + titleOf(label) : "");
}

/** What holds for the whole clip. */
export function showClip(parts, clip, { progress, rows, reviewer }) {
  setText(parts.who, reviewer);
  parts.who.title = `You review as ${reviewer}: the name is kept with every decision. It is changed at the top right of the Queue page.`;
  const blindly = progress?.place ? `Window ${progress.place}${progress.of ? ` of ${progress.of}` : ""}` : "Blind sample";
  setText(parts.clipName, clip.blind ? blindly : clip.clipId);
  parts.clipName.title = parts.clipName.textContent;
  parts.given.hidden = !clip.given;
  parts.suggestedRow.hidden = !clip.suggested;
  const place = { review: "Queue", adjudication: "Agreement" }[clip.stream] ?? "Samples";
  setText(parts.queueName, place);
  parts.given_right.hidden = !clip.given;
  const placed = (row) => `top:${row.top}px;height:${row.height}px`;
  parts.names.replaceChildren(...rows.map((row) => h("span", { style: placed(row) }, row.name === "time" ? "" : row.name)));
  setAttribute(parts.yours, "style", placed(rows.find((row) => row.name === "yours")));
}

/** Where the segment stands in the queue, and how long the rest will take: the place follows the segment, within the clip too. */
export function showProgress(parts, { clip, segment }, progress) {
  const place = progress?.places?.[clip.segments[segment]?.segment_id] ?? progress?.place ?? "–";
  const left = progress?.minutes_left;
  const figures = [
    progress?.of && !clip.blind ? `${place} of ${progress.of.toLocaleString()}${progress.among ? ` ${progress.among}` : ""}` : null,
    left === null || left === undefined ? null : left >= 90 ? `~${Math.round(left / 60)} h left` : `~${Math.max(1, Math.round(left))} min left`,
  ];
  setText(parts.progress, figures.filter(Boolean).join(" · "));
}

/** What changes from frame to frame. */
export function showFrame(parts, state) {
  const { clip, cursor, codes } = state;
  const number = clip.frameNumbers[cursor];
  const seconds = (clip.times[cursor] - clip.times[0]) / 1000;
  setText(parts.frame, String(number));
  setText(parts.time, `  ${seconds.toFixed(2)} s`);
  setText(parts.pose, poseInWords(clip, cursor));
  const code = codes[cursor];
  const label = code >= 0 ? titleOf(clip.classes[code]) : nameOf(state, code);
  setAttribute(parts.yours, "aria-label", `Your label at frame ${number}: ${label}`);
  setAttribute(parts.slider, "aria-valuemin", String(clip.frameNumbers[0]));
  setAttribute(parts.slider, "aria-valuemax", String(clip.frameNumbers[clip.frameNumbers.length - 1]));
  setAttribute(parts.slider, "aria-valuenow", String(number));
  setAttribute(parts.slider, "aria-valuetext", `frame ${number}, ${seconds.toFixed(2)} seconds, ${label}`);
  if (clip.given) showChip(parts.given, clip.classes[clip.given[cursor]], "Given label at this frame: ", "no label");
  if (clip.suggested) showOffer(parts, state);
}

/** The one suggestion that Enter is about, and what it does with it. */
function showOffer(parts, state) {
  const { code, probability, scope } = offer(state);
  showChip(parts.suggested, state.clip.classes[code], `Suggested for the ${scope}: `);
  setText(parts.suggestedFor, `suggested, ${scope}`);
  setText(parts.probability, code < 0 ? "" : `${Math.round(100 * probability)} %`);
}

/** Return what the button of Enter says, and what it applies to. */
function wordsOf(state) {
  const { kind, code, scope, own } = offer(state);
  const name = nameOf(state, code);
  if (state.asking) return [`Replace yours (${state.asking.own} frames) with ${name}?`, "Enter replaces, Esc keeps yours"];
  if (kind === "accept") return [`Accept ${name}`, scope];
  if (kind === "replace") return [`Accept ${name} over yours …`, `${scope}: asks first, for ${own} frames have labels of yours`];
  if (kind === "nothing") return ["No suggestion here", scope];
  return [kind === "next" ? "Decided: next" : "Done, next", null];
}

/** What is to be done where no segment says why it was flagged. */
function taskOf({ blind, window }) {
  if (!window) return "";
  return blind
    ? "Label the marked stretch; the given label and the suggestion are hidden."
    : "Settle the marked stretch: what you paint goes before what the reviewers said.";
}

/** What changes when something is painted, marked or chosen. */
export function showState(parts, state, { keyOf, playing, history }) {
  const { clip } = state;
  const segment = clip.segments[state.segment];
  setText(parts.why, segment?.why ?? taskOf(clip));
  parts.why.title = parts.why.textContent;
  const decided = segment && segmentState(state, segment) === "decided" ? " ✓" : "";
  setText(parts.segment, segment ? `segment ${state.segment + 1} of ${clip.segments.length}${decided}` : "no segment");
  setText(parts.speed, `${state.speed}×`);
  setAttribute(parts.mark, "aria-pressed", String(Boolean(state.mark)));
  setAttribute(parts.pen, "aria-pressed", String(Boolean(state.pen)));
  setAttribute(parts.play, "data-playing", String(playing));
  parts.undo.disabled = !history.last && !undoable(state.operations, state.reviewer);
  parts.redo.disabled = !history.lastUndone && !redoable(state.operations, state.reviewer);
  parts.previous_segment.disabled = parts.next_segment.disabled = !clip.segments.length;
  const range = selection(state) ? "marked range" : segment ? "segment" : "frame";
  const [words, about] = wordsOf(state);
  showDecision(parts.accept, words, keyOf("accept"), about);
  setAttribute(parts.accept, "data-asking", String(Boolean(state.asking)));
  const { kind, own, code } = offer(state);
  parts.replace.hidden = kind !== "next" || !own || Boolean(state.asking);
  showDecision(parts.replace, `Put ${nameOf(state, code)} over yours …`, keyOf("replace"), "segment");
  if (clip.suggested) showOffer(parts, state);
  showDecision(parts.given_right, "Given is right", keyOf("given_right"), range);
  showDecision(parts.unsure, "Unsure", keyOf("unsure"), range);
  showDecision(parts.exclude, "Exclude", keyOf("exclude"), range);
  showShares(parts, state);
}

function showDecision(button, text, key, range) {
  if (button.dataset.text === text && button.dataset.range === (range ?? "")) return;
  button.dataset.text = text;
  button.dataset.range = range ?? "";
  button.title = range ? `${text} (${range})` : text;
  button.replaceChildren(h("span", {}, text), h("kbd", {}, key));
  // The visible words are the name; what they apply to is the description.
  button.removeAttribute("aria-label");
  button.setAttribute("aria-description", range ? `applies to the ${range}` : "");
}

/** One button for each class. */
export function showClasses(parts, clip, { keyFor, choose }) {
  parts.classes.replaceChildren(...clip.classes.map((label, code) => {
    const key = keyFor(label, code);
    const others = [label.en, label.ko].filter(Boolean).join(" · ");
    return h("button.class", { type: "button", title: `${titleOf(label)}${key ? ` – key ${key}` : ""}`, onclick: (event) => choose(label, code, event.timeStamp) }, [
      h("i.swatch", { "aria-hidden": "true", style: `background:${groundOf(label)}` }),
      h("span.name", {}, [h("b", {}, label.name), others ? h("span.quiet", {}, ` ${others}`) : null]),
      h("span.share"),
      key ? h("kbd", {}, key) : null,
    ]);
  }));
}

function showShares(parts, state) {
  const { clip, codes } = state;
  const counts = new Array(clip.classes.length).fill(0);
  let total = 0;
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i] === NOT_REVIEWED && clip.given ? clip.given[i] : codes[i];
    if (code >= 0) counts[code] += 1;
    total += 1;
  }
  const last = state.pen?.code ?? state.lastCode;
  [...parts.classes.children].forEach((button, code) => {
    const share = (counts[code] / total) * 100;
    setText(button.querySelector(".share"), counts[code] ? (share < 1 ? "<1 %" : `${Math.round(share)} %`) : "");
    setAttribute(button, "data-last", String(code === last));
  });
}

/** Notes in force, each a way to its frames. */
export function showNotes(parts, state, goTo) {
  const found = notes(state.operations);
  parts.notes.hidden = !found.length;
  parts.notes.replaceChildren(h("h3", {}, "notes"), ...found.map((note) =>
    h("button.noted", { type: "button", onclick: () => goTo(note.start) }, [
      h("b", {}, note.start === note.end ? `#${note.start}` : `#${note.start}–${note.end}`), ` ${note.text}`,
    ])));
}

/** Whether everything of this page is saved, of whatever clip, in one word, and what keeps it from being so. */
export function showSaving(parts, { word, acts, clips }, trouble) {
  setText(parts.saveState, word);
  setAttribute(parts.saveState, "data-state", word);
  setAttribute(parts.saveState, "data-acts", acts > 1 && word !== "saving" ? String(acts) : "");
  const what = acts === 1 ? "1 act is" : `${acts} acts are`;
  const why = trouble ? ` ${trouble.text}. ${trouble.hint}` : "";
  parts.saveState.title = acts ? `${what} not stored yet, in ${clips.join(", ")}; this browser keeps them.${why}` : "Everything is stored.";
}

/** Bars under the head: a conflict, acts set aside, trouble with the server. */
export function showBars(parts, saver, { aside, journalWorks, elsewhere, ...acts }) {
  const bars = [];
  const bar = (kind, text, buttons) => h(`div.bar.${kind}`, { role: "alert" }, [h("span", {}, text), ...buttons]);
  const button = (text, onclick, name) => h("button.tool.worded", { type: "button", onclick, "data-testid": name }, text);
  if (saver.conflict) {
    const theirs = saver.conflict.operations;
    const who = [...new Set(theirs.map((o) => o.reviewer).filter(Boolean))].join(", ");
    const text = theirs.length
      ? `This clip was also changed in another window (${theirs.length} ${theirs.length === 1 ? "act" : "acts"}${who ? ` by ${who}` : ""}). Yours are kept here until you choose.`
      : "The database is older than this page. Yours are kept here until you choose.";
    const theirsToo = theirs.length ? [button("Take theirs", acts.takeTheirs, "take-theirs")] : [];
    bars.push(bar("conflict", text, [button("Keep mine on top", acts.keepMine, "keep-mine"), ...theirsToo]));
  } else if (saver.trouble) {
    bars.push(bar("trouble", `Not saved: ${saver.trouble.text}. ${saver.trouble.hint}`, [
      button("Try now", acts.retry, "retry"), ...(saver.trouble.again ? [] : [button("Set aside", acts.setAside, "set-aside")]),
    ]));
  }
  if (aside) {
    const count = aside.operations.length;
    bars.push(bar("aside", `${count} ${count === 1 ? "act of yours was" : "acts of yours were"} set aside and are not saved.`, [
      button("Lay mine over after all", acts.restore, "restore"), button("Forget mine", acts.forget, "forget"),
    ]));
  }
  if (!journalWorks) bars.push(bar("trouble", "This browser keeps no journal (storage is full or forbidden): do not close the page while it says unsaved.", []));
  for (const { clip, why, acts: count, reviewer } of elsewhere) {
    const what = `${count} ${count === 1 ? "act" : "acts"}`;
    if (why === "another's") bars.push(bar("aside", `This browser keeps ${what} of ${reviewer}, sent as soon as ${reviewer} opens a page here.`, []));
    else {
      const reason = why === "conflict" ? "others changed the clip, too: choose there" : "the server refused: look there";
      bars.push(bar("trouble", `${what} in ${clip} not saved: ${reason}.`, [button("Go there", () => acts.goTo(clip), "go-there")]));
    }
  }
  parts.bars.replaceChildren(...bars);
}
