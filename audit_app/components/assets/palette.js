// Colours of the canvas, from Streamlit's theme where it says something.

/** Return the colours in force around an element. */
export function paletteOf(element) {
  const style = getComputedStyle(element);
  const css = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const background = css("--st-background-color", "#ffffff");
  const dark = luminance(background) < 0.4;
  return {
    dark,
    background,
    surface: css("--st-secondary-background-color", dark ? "#1a1d24" : "#f4f5f7"),
    text: css("--st-text-color", dark ? "#e8eaed" : "#22262b"),
    quiet: dark ? "#9aa3ad" : "#5f6872",
    line: dark ? "rgba(255,255,255,.16)" : "rgba(20,28,38,.15)",
    faint: dark ? "rgba(255,255,255,.06)" : "rgba(20,28,38,.05)",
    suspect: css("--st-orange-color", dark ? "#f08c3c" : "#d55e00"),
    cursor: dark ? "#ffffff" : "#14181d",
    left: dark ? "#5fc27a" : "#228833",
    right: dark ? "#7aa9de" : "#3b6ea5",
    middle: dark ? "#d5dae0" : "#3d454e",
    font: style.fontFamily || "sans-serif",
  };
}

/** Return a colour's relative luminance, 0 to 1. */
function luminance(colour) {
  const hex = /^#([0-9a-f]{6})/i.exec(colour);
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(colour);
  const rgb = /rgba?\(([\d.]+)[ ,]+([\d.]+)[ ,]+([\d.]+)/.exec(colour);
  let parts = [255, 255, 255];
  if (hex) parts = [0, 2, 4].map((i) => parseInt(hex[1].slice(i, i + 2), 16));
  else if (short) parts = short.slice(1).map((c) => parseInt(c + c, 16));
  else if (rgb) parts = rgb.slice(1, 4).map(Number);
  const [r, g, b] = parts.map((p) => (p / 255 <= 0.04045 ? p / 255 / 12.92 : ((p / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Return the ground of a class as CSS: its colour, hatched where a species has more classes than there are colours. */
export function groundOf(label) {
  if (!label.cue) return label.colour;
  return `repeating-linear-gradient(${45 * label.cue}deg, ${label.colour} 0 4px, ${inkOn(label.colour)} 4px 5px)`;
}

/** Return black or white, whichever reads better on a colour: at the luminance where both have the same contrast, they change. */
export function inkOn(colour) {
  return luminance(colour) > 0.179 ? "#000000" : "#ffffff";
}
