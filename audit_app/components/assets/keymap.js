// Keys by their place on the keyboard (`event.code`), so that they work under every layout and input method.

const paint = (code, keys) => ({ id: `paint_${code + 1}`, keys, group: "Paint", text: `Class ${code + 1}`, act: { type: "paint", code } });
const digits = Array.from({ length: 19 }, (_, i) => {
  if (i < 9) return paint(i, [`Digit${i + 1}`, `Numpad${i + 1}`]);
  return i === 9 ? paint(i, ["Digit0", "Numpad0"]) : paint(i, [`Shift+Digit${i - 9}`]);
});

/** Every act that has a key: its name in audit.toml, the keys it has at first, and what it says in the help. */
export const ACTIONS = [
  { id: "play", keys: ["Space"], group: "Play", text: "Play or pause", act: { type: "play" } },
  { id: "play_segment", keys: ["Shift+Space"], group: "Play", text: "Play the segment, or the marked range", act: { type: "play_segment" } },
  { id: "slower", keys: ["Minus", "NumpadSubtract"], group: "Play", text: "Slower", act: { type: "speed", by: -1 }, repeats: true },
  { id: "faster", keys: ["Equal", "NumpadAdd"], group: "Play", text: "Faster", act: { type: "speed", by: 1 }, repeats: true },
  { id: "step_back", keys: ["ArrowLeft"], group: "Move", text: "One frame back", act: { type: "step", by: -1 }, repeats: true },
  { id: "step_forward", keys: ["ArrowRight"], group: "Move", text: "One frame on", act: { type: "step", by: 1 }, repeats: true },
  { id: "jump_back", keys: ["Shift+ArrowLeft"], group: "Move", text: "Several frames back", act: { type: "step", by: "-step" }, repeats: true },
  { id: "jump_forward", keys: ["Shift+ArrowRight"], group: "Move", text: "Several frames on", act: { type: "step", by: "step" }, repeats: true },
  { id: "clip_start", keys: ["Home"], group: "Move", text: "First frame", act: { type: "goto", place: 0 } },
  { id: "clip_end", keys: ["End"], group: "Move", text: "Last frame", act: { type: "goto", place: 1e9 } },
  { id: "bout_start", keys: ["BracketLeft"], group: "Move", text: "Start of the bout", act: { type: "edge", edge: -1 }, repeats: true },
  { id: "bout_end", keys: ["BracketRight"], group: "Move", text: "End of the bout", act: { type: "edge", edge: 1 }, repeats: true },
  { id: "next_segment", keys: ["KeyN"], group: "Go", text: "Next suspicious segment", act: { type: "segment", by: 1 } },
  { id: "previous_segment", keys: ["Shift+KeyN"], group: "Go", text: "Previous suspicious segment", act: { type: "segment", by: -1 } },
  { id: "next_clip", keys: ["Period"], group: "Go", text: "Next clip", act: { type: "leave", go: "next_clip" } },
  { id: "previous_clip", keys: ["Comma"], group: "Go", text: "Previous clip", act: { type: "leave", go: "previous_clip" } },
  { id: "queue", keys: ["KeyQ"], group: "Go", text: "Back to the queue", act: { type: "leave", go: "queue" } },
  { id: "accept", keys: ["Enter", "NumpadEnter"], group: "Decide", text: "Accept the suggestion that is shown (marked range, else the segment and go on); where all is decided, go on", act: { type: "accept" } },
  { id: "replace", keys: ["Shift+Enter", "Shift+NumpadEnter"], group: "Decide", text: "Lay the suggestion over what you decided (asks first)", act: { type: "replace" } },
  { id: "given_right", keys: ["KeyA"], group: "Decide", text: "The given label is right (marked range, else the segment and go on)", act: { type: "given_right" } },
  { id: "unsure", keys: ["KeyU"], group: "Decide", text: "Unsure (marked range, else the segment and go on)", act: { type: "unsure" } },
  { id: "exclude", keys: ["KeyX"], group: "Decide", text: "Exclude (marked range, else the segment and go on)", act: { type: "exclude" } },
  ...digits,
  { id: "other", keys: ["KeyO"], group: "Paint", text: "Another behaviour (other)", act: { type: "other" } },
  { id: "clear", keys: ["Backspace", "Delete"], group: "Paint", text: "Back to not reviewed", act: { type: "clear" } },
  { id: "mark", keys: ["KeyM"], group: "Paint", text: "Mark a range: once at each end", act: { type: "mark" } },
  { id: "pen", keys: ["KeyP"], group: "Paint", text: "Pen: stepping and playing paint", act: { type: "pen" } },
  { id: "cancel", keys: ["Escape"], group: "Paint", text: "Lift the pen, drop the mark", act: { type: "cancel" } },
  { id: "start_earlier", keys: ["Shift+BracketLeft"], group: "Edges", text: "Bout starts a frame earlier", act: { type: "nudge", edge: -1, grow: true }, repeats: true },
  { id: "start_later", keys: ["Alt+BracketLeft"], group: "Edges", text: "Bout starts a frame later", act: { type: "nudge", edge: -1, grow: false }, repeats: true },
  { id: "end_later", keys: ["Shift+BracketRight"], group: "Edges", text: "Bout ends a frame later", act: { type: "nudge", edge: 1, grow: true }, repeats: true },
  { id: "end_earlier", keys: ["Alt+BracketRight"], group: "Edges", text: "Bout ends a frame earlier", act: { type: "nudge", edge: 1, grow: false }, repeats: true },
  { id: "undo", keys: ["Ctrl+KeyZ"], group: "Undo and notes", text: "Undo", act: { type: "undo" }, repeats: true },
  { id: "redo", keys: ["Ctrl+Shift+KeyZ", "Ctrl+KeyY"], group: "Undo and notes", text: "Redo", act: { type: "redo" }, repeats: true },
  { id: "note", keys: ["KeyT"], group: "Undo and notes", text: "Note on the marked range or the frame", page: "note" },
  { id: "fit", keys: ["KeyF"], group: "View", text: "Fit the picture", page: "fit" },
  { id: "zoom_in", keys: ["Shift+Equal"], group: "View", text: "Zoom in", page: "zoom_in", repeats: true },
  { id: "zoom_out", keys: ["Shift+Minus"], group: "View", text: "Zoom out", page: "zoom_out", repeats: true },
  { id: "pan_left", keys: ["Alt+ArrowLeft"], group: "View", text: "Pan left", page: "pan_left", repeats: true },
  { id: "pan_right", keys: ["Alt+ArrowRight"], group: "View", text: "Pan right", page: "pan_right", repeats: true },
  { id: "pan_up", keys: ["Alt+ArrowUp"], group: "View", text: "Pan up", page: "pan_up", repeats: true },
  { id: "pan_down", keys: ["Alt+ArrowDown"], group: "View", text: "Pan down", page: "pan_down", repeats: true },
  { id: "skeleton", keys: ["KeyK"], group: "View", text: "Skeleton on or off", page: "skeleton" },
  { id: "help", keys: ["Shift+Slash", "F1"], group: "View", text: "All keys", page: "help" },
];

const MODIFIERS = ["Ctrl", "Alt", "Shift"];

/** Return a key in one spelling: modifiers in order, then the code. */
export function normalKey(key) {
  const parts = key.split("+").map((part) => part.trim());
  const code = parts.pop();
  return [...MODIFIERS.filter((m) => parts.some((p) => p.toLowerCase() === m.toLowerCase())), code].join("+");
}

/** Return what a keyboard event is called in this file. */
export function keyOf(event) {
  const held = [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && "Shift"].filter(Boolean);
  return [...held, event.code].join("+");
}

/**
 * Return the keys in force: `byKey` from key to act, `keysOf` from act to its keys, and `problems` in words; and of an act by its name
 * `shown`, its key as people read it, `tip`, what it does with its key, and `shortcut`, its keys for screen readers.
 * `own` maps an act's name to its key, as in audit.toml; a key that is given away is taken from the act that had it.
 */
export function keymap(own = {}) {
  const problems = [];
  const known = new Map(ACTIONS.map((action) => [action.id, action]));
  const chosen = new Map();
  for (const [id, key] of Object.entries(own)) {
    if (known.has(id)) chosen.set(id, [].concat(key).map(normalKey));
    else problems.push(`review.keys: no act ${id}`);
  }
  const taken = new Map();
  for (const [id, keys] of chosen) {
    for (const key of keys) {
      if (taken.has(key)) problems.push(`review.keys: ${readable(key)} means both ${taken.get(key)} and ${id}`);
      else taken.set(key, id);
    }
  }
  const keysOf = {};
  const byKey = new Map();
  for (const action of ACTIONS) {
    const keys = chosen.get(action.id) ?? action.keys.filter((key) => !taken.has(key));
    keysOf[action.id] = keys.filter((key) => !byKey.has(key));
    for (const key of keysOf[action.id]) byKey.set(key, action);
  }
  const shown = (id) => (keysOf[id]?.length ? readable(keysOf[id][0]) : "");
  const tip = (id) => `${known.get(id).text}${shown(id) ? ` (${shown(id)})` : ""}`;
  const shortcut = (id) => keysOf[id].map((key) => key.replace("Ctrl", "Control").replace(/Key|Digit|Numpad/, "")).join(" ") || null;
  return { byKey, keysOf, problems, shown, tip, shortcut };
}

const NAMES = {
  Space: "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Enter: "Enter", Escape: "Esc", Backspace: "⌫",
  BracketLeft: "[", BracketRight: "]", Minus: "−", Equal: "=", Comma: ",", Period: ".", Slash: "/", Semicolon: ";", Quote: "'",
  Backquote: "`", Backslash: "\\", Delete: "Del",
};

/** Return a key as people read it. */
export function readable(key) {
  if (normalKey(key) === "Shift+Slash") return "?";
  return key
    .split("+")
    .map((part) => NAMES[part] ?? part.replace(/^(Key|Digit)/, "").replace(/^Numpad/, "Num "))
    .join(" ");
}
