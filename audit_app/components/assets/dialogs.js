// The help with every key, and the field for a note.

import { h } from "./dom.js";
import { ACTIONS, readable } from "./keymap.js";

/** Show every act with its keys; a click does the act. */
export function openHelp(root, { keysOf, problems, classNames, run }) {
  const groups = new Map();
  for (const action of ACTIONS) {
    const text = action.id.startsWith("paint_") ? classNames[action.act.code] : action.text;
    if (!text || (action.id.startsWith("paint_") && text === "other")) continue;
    if (!groups.has(action.group)) groups.set(action.group, []);
    groups.get(action.group).push(h("tr", {}, [
      h("td", {}, h("button.link", { type: "button", onclick: () => { dialog.close(); run(action.id); } }, text)),
      h("td", {}, keysOf[action.id].length ? keysOf[action.id].filter((k) => !k.includes("Numpad")).map((key) => h("kbd", {}, readable(key))) : "no key"),
    ]));
  }
  const sections = [...groups].map(([name, rows]) => h("section", {}, [h("h3", {}, name), h("table", {}, h("tbody", {}, rows))]));
  const close = h("button.tool.worded", { type: "button", onclick: () => dialog.close() }, ["Close", h("kbd", {}, "Esc")]);
  const mouse = "With the mouse: drag on the tracks to mark a range, click to go there, double-click to mark a bout; turn the wheel over the picture to zoom, drag to pan.";
  const dialog = h("dialog.help", { "aria-label": "All keys" }, [
    h("header", {}, [h("h2", {}, "Keys"), close]),
    h("p.quiet", {}, `Keys go by their place on the keyboard, under any layout. Change them in audit.toml under [review.keys]. ${mouse}`),
    problems.length ? h("p.problem", {}, problems.join("; ")) : null,
    h("div.columns", {}, sections),
  ]);
  show(root, dialog);
}

/** Ask for a note's text. */
export function openNote(root, { where, keep }) {
  const text = h("textarea", { rows: "3", maxlength: "2000", "aria-label": `Note on ${where}` });
  const dialog = h("dialog.note", { "aria-label": "Note" }, [
    h("form", { method: "dialog", onsubmit: () => { if (text.value.trim()) keep(text.value.trim()); } }, [
      h("h2", {}, `Note on ${where}`),
      text,
      h("footer", {}, [
        h("button.tool.worded", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        h("button.accept", { type: "submit" }, [h("span", {}, "Keep"), h("kbd", {}, "Ctrl Enter")]),
      ]),
    ]),
  ]);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog.querySelector("form").requestSubmit();
  });
  show(root, dialog);
  text.focus();
}

function show(root, dialog) {
  root.querySelector("dialog")?.remove();
  root.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.showModal();
}
