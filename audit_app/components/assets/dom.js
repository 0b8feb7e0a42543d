// Elements without markup: text goes in as text, so no name from a file can ever become an element.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: `h("button.main", { title }, [child, "text"])`. */
export function h(selector, attributes = {}, children = []) {
  const [tag, ...names] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (names.length) element.className = names.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...[].concat(children).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set text only where it differs: layout is dear. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Give a canvas a size in CSS pixels; return how many of its own each of them has. */
export function resizeCanvas(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  return ratio;
}

const ICONS = {
  play: "M6 4.5v11l9-5.5z",
  pause: "M6 4.5h3v11H6zM11 4.5h3v11h-3z",
  back: "M12.5 5 7.5 10l5 5",
  forward: "M7.5 5l5 5-5 5",
  jumpBack: "M10 5 5 10l5 5M15 5l-5 5 5 5",
  jumpForward: "M5 5l5 5-5 5M10 5l5 5-5 5",
  loop: "M4 4v12M16 4v12M7.5 7v6l5-3z",
  mark: "M5 4v12M15 4v12M5 10h10",
  pen: "M4 16l1-4 8-8 3 3-8 8zM11 6l3 3",
  undo: "M7 5 3.5 8.5 7 12M4 8.5h7a4.5 4.5 0 0 1 0 9H8",
  redo: "M13 5l3.5 3.5L13 12M16 8.5H9a4.5 4.5 0 0 0 0 9h3",
  note: "M4 4h12v9l-4 4H4zM12 17v-4h4",
  fit: "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4",
  plus: "M10 5v10M5 10h10",
  minus: "M5 10h10",
  queue: "M4 6h12M4 10h12M4 14h12",
};
const SOLID = new Set(["play", "pause"]);

/** Return a drawn sign; it says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", SOLID.has(name) ? "icon solid" : "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
