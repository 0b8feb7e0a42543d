// The tracks under the picture: given, suggested, yours and quality on one time axis, with suspect segments and the cursor.

import { resizeCanvas } from "./dom.js";
import { EXCLUDED, NOT_REVIEWED, UNSURE, runs, upperBound } from "./operations.js";
import { FULL, segmentState, selection } from "./state.js";
import { inkOn } from "./palette.js";

const NO_QUALITY = 255;
const WORD = 60;
const LEAST_WRITTEN = 0.25;

/** Rows from the top, each with its height in pixels; `gap` lies between them. */
export function rowsOf(clip) {
  const rows = [];
  if (clip.given) rows.push({ name: "given", height: 20 });
  if (clip.suggested) rows.push({ name: "suggested", height: 20 });
  rows.push({ name: "yours", height: 28 });
  if (clip.quality) rows.push({ name: "quality", height: 40 });
  rows.push({ name: "time", height: 20 });
  let top = 8;
  for (const row of rows) {
    row.top = top;
    top += row.height + 5;
  }
  return { rows, height: top - 1 };
}

export class Tracks {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.still = document.createElement("canvas");
  }

  open(clip) {
    this.clip = clip;
    Object.assign(this, rowsOf(clip));
    this.bounds = boundsOf(clip.times);
    this.fresh = false;
  }

  resize(width) {
    this.width = width;
    for (const canvas of [this.canvas, this.still]) this.ratio = resizeCanvas(canvas, width, this.height);
    this.fresh = false;
  }

  /** Return the frame at a place of the canvas, in CSS pixels. */
  frameAt(x) {
    const ms = this.bounds[0] + (x / this.width) * (this.bounds[this.bounds.length - 1] - this.bounds[0]);
    // Times are whole milliseconds.
    return Math.max(0, Math.min(upperBound(this.clip.times, Math.floor(ms)), this.clip.times.length) - 1);
  }

  /** Return the left edge of a frame; of the place behind the last, the right end. */
  x(place) {
    const span = this.bounds[this.bounds.length - 1] - this.bounds[0];
    return ((this.bounds[place] - this.bounds[0]) / span) * this.width;
  }

  draw(state, palette) {
    if (!this.width) return;
    if (!this.fresh || this.codes !== state.codes || this.segment !== state.segment || this.palette !== palette) {
      Object.assign(this, { fresh: true, codes: state.codes, segment: state.segment, palette });
      this.drawStill(state, palette);
    }
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.still, 0, 0);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.drawSelection(context, state, palette);
    this.drawCursor(context, state, palette);
  }

  drawStill(state, palette) {
    const context = this.still.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.drawSegments(context, state, palette);
    for (const row of this.rows) {
      if (row.name === "given") this.drawLabels(context, row, this.clip.given, palette);
      if (row.name === "suggested") this.drawSuggested(context, row, palette);
      if (row.name === "yours") this.drawLabels(context, row, state.codes, palette);
      if (row.name === "quality") this.drawQuality(context, row, palette);
      if (row.name === "time") this.drawTime(context, row, palette);
    }
  }

  drawSegments(context, state, palette) {
    const time = this.rows[this.rows.length - 1];
    state.clip.segments.forEach((segment, i) => {
      const x = this.x(segment.first);
      const width = Math.max(this.x(segment.last + 1) - x, 2);
      const current = i === state.segment;
      const decided = segmentState(state, segment) === "decided";
      context.globalAlpha = decided ? 0.05 : current ? 0.2 : 0.1;
      context.fillStyle = palette.suspect;
      context.fillRect(x, 0, width, time.top);
      context.globalAlpha = decided ? 0.35 : 1;
      context.fillRect(x, 0, width, current ? 4 : 2);
      if (current) {
        context.globalAlpha = decided ? 0.3 : 0.8;
        context.fillRect(x, 0, 1, time.top);
        context.fillRect(x + width - 1, 0, 1, time.top);
      }
    });
    context.globalAlpha = 1;
  }

  drawLabels(context, row, codes, palette) {
    for (const [first, last, code] of runs(codes)) {
      const x = this.x(first);
      const width = this.x(last + 1) - x;
      if (code === NOT_REVIEWED) this.drawDots(context, x, row, width, palette);
      else if (code === UNSURE || code === EXCLUDED) this.drawHatch(context, x, row, width, code, palette);
      else this.drawClass(context, x, row, width, this.clip.classes[code], 1);
    }
  }

  drawClass(context, x, row, width, label, alpha) {
    context.globalAlpha = alpha;
    context.fillStyle = label.colour;
    // A hair of room between bouts, where they are wide enough to spare it.
    context.fillRect(x, row.top, Math.max(width - (width > 4 ? 1 : 0), 0.75), row.height);
    if (label.cue) this.drawCue(context, x, row, width, label);
    context.globalAlpha = 1;
    const ink = alpha > 0.6 ? inkOn(label.colour) : this.palette.text;
    this.writeIn(context, x, row, width, label.name, ink);
  }

  /** Hatch a class whose colour another one of its species has, too. */
  drawCue(context, x, row, width, label) {
    this.drawLines(context, x, row, width, { ink: inkOn(label.colour), alpha: 0.7, apart: 5, crossed: label.cue > 1 });
  }

  /** Draw slanted lines over a stretch of a row, or crossed ones. */
  drawLines(context, x, row, width, { ground = "transparent", ink, thick = 1, alpha, apart, crossed }) {
    context.save();
    context.beginPath();
    context.rect(x, row.top, Math.max(width - (width > 4 ? 1 : 0), 0.75), row.height);
    context.clip();
    context.fillStyle = ground;
    context.fillRect(x, row.top, width, row.height);
    context.strokeStyle = ink;
    context.lineWidth = thick;
    context.globalAlpha *= alpha;
    context.beginPath();
    for (let line = Math.floor((x - row.height) / apart) * apart; line < x + width + row.height; line += apart) {
      context.moveTo(line, row.top + row.height);
      context.lineTo(line + row.height, row.top);
      if (crossed) {
        context.moveTo(line, row.top);
        context.lineTo(line + row.height, row.top + row.height);
      }
    }
    context.stroke();
    context.restore();
  }

  writeIn(context, x, row, width, text, ink) {
    if (width < 34) return;
    context.font = `600 11px ${this.palette.font}`;
    if (context.measureText(text).width > width - 10) return;
    context.fillStyle = ink;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText(text, x + 6, row.top + row.height / 2 + 0.5);
  }

  drawDots(context, x, row, width, palette) {
    context.fillStyle = palette.faint;
    context.fillRect(x, row.top, width, row.height);
    context.fillStyle = palette.quiet;
    const middle = row.top + row.height / 2;
    // Dots keep to one grid, so that they do not dance when an edge moves.
    for (let dot = Math.ceil(x / 7) * 7 + 3; dot < x + width - 1; dot += 7) context.fillRect(dot, middle - 0.75, 1.5, 1.5);
  }

  drawHatch(context, x, row, width, code, palette) {
    const lines = code === EXCLUDED
      ? { ground: palette.dark ? "#3a3f47" : "#c9ced4", ink: palette.text, thick: 1.25 }
      : { ground: palette.faint, ink: palette.quiet };
    this.drawLines(context, x, row, width, { ...lines, alpha: 0.75, apart: 6, crossed: code === EXCLUDED });
    const text = code === EXCLUDED ? "excluded" : "unsure";
    context.font = `600 11px ${palette.font}`;
    const wide = context.measureText(text).width;
    if (width > wide + 20) {
      context.fillStyle = palette.surface;
      context.fillRect(x + 4, row.top + 4, wide + 6, row.height - 8);
      this.writeIn(context, x + 1, row, width, text, palette.text);
    }
  }

  drawSuggested(context, row, palette) {
    const { suggested, probability } = this.clip;
    this.drawPlate(context, row, palette);
    // Probability in tenths: one rectangle for each run of what looks alike.
    const looks = Int16Array.from(suggested, (code, i) => (code < 0 ? -1 : code * 16 + Math.round((probability[i] / FULL) * 10)));
    for (const [first, last, look] of runs(looks)) {
      if (look < 0) continue;
      const x = this.x(first);
      context.globalAlpha = 0.08 + 0.92 * ((look % 16) / 10) ** 1.3;
      const label = this.clip.classes[look >> 4];
      context.fillStyle = label.colour;
      context.fillRect(x, row.top, this.x(last + 1) - x + 0.3, row.height);
      if (label.cue) this.drawCue(context, x, row, this.x(last + 1) - x, label);
    }
    context.globalAlpha = 1;
    for (const [first, last, code] of runs(suggested)) {
      if (code < 0) continue;
      // The ink goes by the ground under the word, which may be paler or stronger than the rest of the stretch; what is hardly
      // likely has no word at all.
      const x = this.x(first);
      let end = first;
      let sum = 0;
      for (; end <= last && this.x(end) < x + WORD; end += 1) sum += probability[end];
      const likely = sum / (end - first) / FULL;
      if (likely < LEAST_WRITTEN) continue;
      const strong = likely > 0.62;
      const label = this.clip.classes[code];
      this.writeIn(context, x, row, this.x(last + 1) - x, label.name, strong ? inkOn(label.colour) : palette.text);
    }
  }

  drawPlate(context, row, palette) {
    context.fillStyle = palette.faint;
    context.fillRect(0, row.top, this.width, row.height);
  }

  drawQuality(context, row, palette) {
    const { quality } = this.clip;
    const y = (value) => row.top + row.height - 2 - (value / FULL) * (row.height - 4);
    this.drawPlate(context, row, palette);
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(0, y(FULL / 2));
    context.lineTo(this.width, y(FULL / 2));
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 1.75;
    context.lineJoin = "round";
    let down = false;
    context.beginPath();
    for (let i = 0; i < quality.length; i += 1) {
      if (quality[i] === NO_QUALITY) {
        down = false;
        continue;
      }
      const x = (this.x(i) + this.x(i + 1)) / 2;
      if (down) context.lineTo(x, y(quality[i]));
      else context.moveTo(x, y(quality[i]));
      down = true;
    }
    context.strokeStyle = palette.text;
    context.stroke();
  }

  drawTime(context, row, palette) {
    const { frameNumbers } = this.clip;
    const seconds = (this.bounds[this.bounds.length - 1] - this.bounds[0]) / 1000;
    const most = Math.max(2, this.width / 90);
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600].find((s) => seconds / s <= most) ?? 7200;
    context.font = `11px ${palette.font}`;
    context.textBaseline = "middle";
    context.textAlign = "left";
    for (let second = 0; second <= seconds + 1e-9; second += step) {
      const x = ((second * 1000) / (this.bounds[this.bounds.length - 1] - this.bounds[0])) * this.width;
      context.fillStyle = palette.line;
      context.fillRect(x, row.top - 2, 1, 6);
      const frame = this.frameAt(Math.min(x + 0.01, this.width));
      const text = `${Number(second.toFixed(1))} s`;
      const wide = context.measureText(text).width;
      if (x + wide + 60 > this.width) break;
      context.fillStyle = palette.text;
      context.fillText(text, x + 4, row.top + 9);
      context.fillStyle = palette.quiet;
      context.fillText(`#${frameNumbers[frame]}`, x + 10 + wide, row.top + 9);
    }
  }

  drawSelection(context, state, palette) {
    const range = selection(state);
    if (!range) return;
    const x = this.x(range[0]);
    const width = Math.max(this.x(range[1] + 1) - x, 1.5);
    const bottom = this.rows[this.rows.length - 1].top;
    context.fillStyle = palette.cursor;
    context.globalAlpha = 0.12;
    context.fillRect(x, 4, width, bottom - 4);
    context.globalAlpha = 0.9;
    context.strokeStyle = palette.cursor;
    context.lineWidth = 1.25;
    context.setLineDash([4, 3]);
    context.strokeRect(x + 0.5, 4.5, Math.max(width - 1, 1), bottom - 6);
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  drawCursor(context, state, palette) {
    const left = this.x(state.cursor);
    const width = this.x(state.cursor + 1) - left;
    const x = left + width / 2;
    const bottom = this.rows[this.rows.length - 1].top + 3;
    const colour = state.pen ? this.clip.classes[state.pen.code]?.colour ?? palette.cursor : palette.cursor;
    context.strokeStyle = palette.background;
    context.lineWidth = 4;
    context.globalAlpha = 0.7;
    line(context, x, 0, bottom);
    context.globalAlpha = 1;
    context.strokeStyle = colour;
    context.lineWidth = 2;
    line(context, x, 0, bottom);
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(x - 5, 0);
    context.lineTo(x + 5, 0);
    context.lineTo(x, 7);
    context.fill();
  }
}

function line(context, x, top, bottom) {
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, bottom);
  context.stroke();
}

/** Return the time at which each frame starts to be shown, and the end: one more than there are frames. */
export function boundsOf(times) {
  const count = times.length;
  const bounds = new Float64Array(count + 1);
  bounds.set(times);
  const usual = count > 1 ? (times[count - 1] - times[0]) / (count - 1) : 33;
  bounds[count] = times[count - 1] + Math.max(usual, 1);
  return bounds;
}
