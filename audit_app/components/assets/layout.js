// The labeller's elements, made once for each mount; views fill them.

import { h, icon, setAttribute } from "./dom.js";

const NARROW = 1000;
const PHONE = 640;
const SHORTEST = 520;
const MARGIN = 14;

/** Make all parts. `tip(id)` gives an act's tooltip, `shortcut(id)` its keys for assistive tools, `run(id)` does it. */
export function layout({ tip, shortcut, run }) {
  const parts = {};
  const keep = (name, element) => (parts[name] = element);
  const act = (id, content, selector = "button.tool", more = {}) =>
    keep(id, h(selector, { type: "button", title: tip(id), "aria-label": tip(id), "aria-keyshortcuts": shortcut(id), onclick: (event) => run(id, event.timeStamp), ...more }, content));
  const group = (label, children) => h("div.group", { role: "group", "aria-label": label }, children);

  const head = h("header.head", {}, [
    h("div.what", {}, [
      keep("clipName", h("h2.clip")),
      keep("given", h("span.chip", { "data-testid": "given-label" })),
      keep("why", h("p.why")),
    ]),
    h("div.state", {}, [
      keep("saveState", h("span.save", { "data-testid": "save-state", role: "status" })),
      keep("progress", h("span.progress")),
      keep("who", h("span.who", { "data-testid": "reviewer" })),
      act("queue", [icon("queue"), keep("queueName", h("span", {}, "Queue"))], "button.tool.worded"),
      act("help", "?", "button.tool.round"),
    ]),
  ]);
  const bars = keep("bars", h("div.bars"));

  const stage = h("section.stage", { "aria-label": "Picture and skeleton" }, [
    keep("canvas", h("canvas", { role: "img", tabindex: "0", "aria-label": "Skeleton" })),
    h("div.badge", {}, [
      h("span.quiet", {}, "frame "),
      keep("frame", h("b", { "data-testid": "frame-number" })),
      keep("time", h("span.quiet")),
    ]),
    keep("pose", h("div.pose")),
    keep("toast", h("div.toast", { "aria-hidden": "true" })),
    h("div.zoom", { role: "group", "aria-label": "Zoom" }, [
      act("zoom_out", icon("minus")), act("zoom_in", icon("plus")), act("fit", icon("fit")),
    ]),
  ]);

  const side = h("aside.side", { "aria-label": "Labels" }, [
    keep("suggestion", h("section.suggestion", { "aria-label": "Suggestion" }, [
      keep("suggestedRow", h("div.row", {}, [
        keep("suggestedFor", h("span.quiet")),
        keep("suggested", h("span.chip", { "data-testid": "suggested-label" })),
        keep("probability", h("span.figure")),
      ])),
      act("accept", "", "button.accept"),
      act("replace", "", "button.over"),
    ])),
    h("div.decisions", { role: "group", "aria-label": "Decide" }, [
      act("given_right", "", "button.decision"), act("unsure", "", "button.decision"), act("exclude", "", "button.decision"),
    ]),
    keep("classes", h("div.classes", { role: "group", "aria-label": "Classes" })),
    keep("notes", h("section.notes", { "aria-label": "Notes" })),
    keep("similar", h("section.similar", { "aria-label": "Similar clips" })),
  ]);

  const tracks = h("section.tracks", { "aria-label": "Tracks" }, [
    keep("names", h("div.names", { "aria-hidden": "true" })),
    keep("lane", h("div.lane", {}, [
      keep("tracks", h("canvas", { "aria-hidden": "true" })),
      keep("yours", h("div.yours", { role: "img", "data-testid": "label-track" })),
      keep("slider", h("div.slider", { role: "slider", tabindex: "0", "aria-label": "Frame", "aria-orientation": "horizontal" })),
    ])),
  ]);

  const controls = h("div.controls", { role: "toolbar", "aria-label": "Play and paint" }, [
    group("Move", [
      act("jump_back", icon("jumpBack")), act("step_back", icon("back")), act("play", icon("play"), "button.tool.main"),
      act("step_forward", icon("forward")), act("jump_forward", icon("jumpForward")), act("play_segment", icon("loop")),
    ]),
    group("Speed", [act("slower", icon("minus")), keep("speed", h("span.figure.speed")), act("faster", icon("plus"))]),
    group("Segments", [
      act("previous_segment", icon("back")), keep("segment", h("span.figure")), act("next_segment", icon("forward")),
    ]),
    group("Bout", [
      act("bout_start", "[", "button.tool.sign"), act("start_earlier", "◂[", "button.tool.sign"), act("start_later", "[▸", "button.tool.sign"),
      act("end_earlier", "◂]", "button.tool.sign"), act("end_later", "]▸", "button.tool.sign"), act("bout_end", "]", "button.tool.sign"),
    ]),
    group("Paint", [
      act("mark", [icon("mark"), "Mark"], "button.tool.worded", { "aria-pressed": "false" }),
      act("pen", [icon("pen"), "Pen"], "button.tool.worded", { "aria-pressed": "false" }),
      act("note", [icon("note"), "Note"], "button.tool.worded"),
    ]),
    group("History", [act("undo", icon("undo")), act("redo", icon("redo"))]),
    group("Clips", [act("previous_clip", "‹ clip", "button.tool.sign"), act("next_clip", "clip ›", "button.tool.sign")]),
  ]);

  keep("live", h("div.hidden", { "aria-live": "polite", role: "log" }));
  keep("root", h("div.labeller", { role: "region", "aria-label": "Frame by frame labeller" }, [
    head, bars, h("div.middle", {}, [stage, side]), tracks, controls, parts.live,
  ]));
  keep("stageBox", stage);
  return parts;
}

/** Let the labeller fill the rest of the window, so that nothing has to be scrolled, and tell the styles how wide it is. */
export function fillWindow(root, host) {
  let scrolled = window.scrollY;
  for (let parent = host.parentElement; parent; parent = parent.parentElement) scrolled += parent.scrollTop;
  const top = Math.max(0, root.getBoundingClientRect().top + scrolled);
  root.style.setProperty("--available", `${Math.max(SHORTEST, Math.floor(window.innerHeight - top - MARGIN))}px`);
  setAttribute(root, "data-narrow", String(root.clientWidth < NARROW));
  setAttribute(root, "data-phone", String(root.clientWidth < PHONE));
}
