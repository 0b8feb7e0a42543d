// The stage: picture, skeleton and trail of one frame, with zoom and pan.

import { LOW_CONFIDENCE, INTERPOLATED, MISSING } from "./decoding.js";
import { resizeCanvas } from "./dom.js";

const NOWHERE = -32768;
const TRAIL_MS = 1000;
const GHOST_MS = 1000;
const MOST_ZOOM = 24;
const ZOOM_STEP = 1.3;
const PAN_STEP = 60;
const PANS = { pan_left: [PAN_STEP, 0], pan_right: [-PAN_STEP, 0], pan_up: [0, PAN_STEP], pan_down: [0, -PAN_STEP] };

export class Stage {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.skeleton = true;
    this.fit();
  }

  open(clip) {
    this.clip = clip;
    this.fit();
  }

  fit() {
    this.zoom = 1;
    this.pan = { x: 0, y: 0 };
  }

  /** Change what is seen, by the name of an act of the keymap. */
  change(name) {
    if (name === "fit") this.fit();
    if (name === "zoom_in") this.zoomBy(ZOOM_STEP);
    if (name === "zoom_out") this.zoomBy(1 / ZOOM_STEP);
    if (name === "skeleton") this.skeleton = !this.skeleton;
    if (PANS[name]) this.panBy(...PANS[name]);
  }

  /** Zoom about a point of the canvas, in CSS pixels; without one, about the middle. */
  zoomBy(factor, at = { x: this.width / 2, y: this.height / 2 }) {
    const zoom = Math.max(1, Math.min(MOST_ZOOM, this.zoom * factor));
    const ratio = zoom / this.zoom;
    this.pan.x = at.x - this.width / 2 - (at.x - this.width / 2 - this.pan.x) * ratio;
    this.pan.y = at.y - this.height / 2 - (at.y - this.height / 2 - this.pan.y) * ratio;
    this.zoom = zoom;
    if (zoom === 1) this.pan = { x: 0, y: 0 };
  }

  panBy(x, y) {
    this.pan.x += x;
    this.pan.y += y;
  }

  resize(width, height) {
    Object.assign(this, { width, height, ratio: resizeCanvas(this.canvas, width, height) });
  }

  /** Return the part of the world that fits the canvas: the picture, or the clip's own box with room around it. */
  world(size) {
    if (size) return { x: 0, y: 0, width: size.width, height: size.height };
    const [x0, y0, x1, y1] = this.clip.poses.box;
    const margin = Math.max(x1 - x0, y1 - y0, 1e-6) * 0.1;
    return { x: x0 - margin, y: y0 - margin, width: x1 - x0 + 2 * margin || 1, height: y1 - y0 + 2 * margin || 1 };
  }

  place(size) {
    const world = this.world(size);
    const scale = Math.min(this.width / world.width, this.height / world.height) * this.zoom;
    return {
      scale,
      x: this.width / 2 + this.pan.x - (world.x + world.width / 2) * scale,
      y: this.height / 2 + this.pan.y - (world.y + world.height / 2) * scale,
      world,
    };
  }

  /** Draw a frame. `picture` is null where there is none, `pending` tells that one is on its way. */
  draw(frame, { picture, pending, size, palette, trail }) {
    const { context } = this;
    if (!this.clip || !this.width) return;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const view = this.place(size);
    if (picture) {
      context.imageSmoothingEnabled = view.scale < 4;
      context.drawImage(picture, view.x, view.y, view.world.width * view.scale, view.world.height * view.scale);
    } else if (pending && size) {
      context.fillStyle = palette.faint;
      context.fillRect(view.x, view.y, view.world.width * view.scale, view.world.height * view.scale);
    }
    if (!this.skeleton) return;
    if (trail) this.drawTrail(frame, view, palette);
    this.drawSkeleton(frame, view, { palette, halo: Boolean(picture) });
  }

  point(frame, keypoint, view) {
    const { xy, unit, keypoints } = this.clip.poses;
    const at = (frame * keypoints + keypoint) * 2;
    if (xy[at] === NOWHERE) return null;
    return { x: xy[at] * unit * view.scale + view.x, y: xy[at + 1] * unit * view.scale + view.y };
  }

  drawTrail(frame, view, palette) {
    const { context, clip } = this;
    const now = clip.times[frame];
    let first = frame;
    while (first > 0 && now - clip.times[first - 1] <= TRAIL_MS) first -= 1;
    context.lineWidth = 1.5;
    context.lineCap = "round";
    for (let k = 0; k < clip.poses.keypoints; k += 1) {
      context.strokeStyle = this.colour(k, palette);
      for (let f = first; f < frame; f += 1) {
        const a = this.point(f, k, view);
        const b = this.point(f + 1, k, view);
        if (!a || !b) continue;
        context.globalAlpha = 0.05 + 0.4 * (1 - (now - clip.times[f]) / TRAIL_MS) ** 2;
        context.beginPath();
        context.moveTo(a.x, a.y);
        context.lineTo(b.x, b.y);
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  colour(keypoint, palette) {
    return palette[this.clip.sides[keypoint] || "middle"];
  }

  drawSkeleton(frame, view, { palette, halo }) {
    const { context, clip } = this;
    const points = Array.from({ length: clip.poses.keypoints }, (_, k) => this.point(frame, k, view));
    const known = (k) => clip.poses.known[frame * clip.poses.keypoints + k];
    const size = Math.max(3, Math.min(6.5, Math.min(this.width, this.height) / 110)) * Math.min(1.6, Math.sqrt(this.zoom));
    context.lineCap = "round";
    for (const pass of halo ? ["halo", "line"] : ["line"]) {
      for (const [a, b] of clip.edges) {
        if (!points[a] || !points[b]) continue;
        const sure = known(a) === 0 && known(b) === 0;
        context.setLineDash(sure ? [] : [size, size * 1.1]);
        context.lineWidth = pass === "halo" ? size * 0.75 + 2.5 : size * 0.75;
        context.strokeStyle = pass === "halo" ? "rgba(0,0,0,.45)" : edgeColour(clip, a, b, palette, halo);
        context.globalAlpha = sure ? 1 : 0.6;
        context.beginPath();
        context.moveTo(points[a].x, points[a].y);
        context.lineTo(points[b].x, points[b].y);
        context.stroke();
      }
    }
    context.setLineDash([]);
    points.forEach((point, k) => {
      const mark = point ?? this.ghost(frame, k, view);
      if (mark) this.drawKeypoint(mark, { size, kind: known(k), colour: this.colour(k, palette), halo, palette });
    });
    context.globalAlpha = 1;
  }

  /** Seen: filled. Low confidence: filled, pale, ringed. Interpolated: hollow. Missing: a cross where it was seen last. */
  drawKeypoint(point, { size, kind, colour, halo, palette }) {
    const { context } = this;
    context.globalAlpha = kind === MISSING ? 0.85 : 1;
    context.lineWidth = 1.75;
    context.strokeStyle = kind === MISSING ? palette.suspect : colour;
    context.beginPath();
    if (kind === MISSING) {
      context.moveTo(point.x - size, point.y - size);
      context.lineTo(point.x + size, point.y + size);
      context.moveTo(point.x + size, point.y - size);
      context.lineTo(point.x - size, point.y + size);
      context.stroke();
      return;
    }
    context.arc(point.x, point.y, size, 0, 2 * Math.PI);
    if (kind === INTERPOLATED) {
      context.fillStyle = halo ? "rgba(0,0,0,.35)" : palette.surface;
      context.fill();
      context.stroke();
      return;
    }
    context.fillStyle = colour;
    context.globalAlpha = kind === LOW_CONFIDENCE ? 0.4 : 1;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = kind === LOW_CONFIDENCE ? palette.suspect : halo ? "rgba(255,255,255,.9)" : palette.background;
    context.setLineDash(kind === LOW_CONFIDENCE ? [2, 2] : []);
    context.stroke();
    context.setLineDash([]);
  }

  /** Return where a missing keypoint was seen last, within a second. */
  ghost(frame, keypoint, view) {
    const { times } = this.clip;
    for (let f = frame - 1; f >= 0 && times[frame] - times[f] <= GHOST_MS; f -= 1) {
      const point = this.point(f, keypoint, view);
      if (point) return point;
    }
    return null;
  }
}

function edgeColour(clip, a, b, palette, halo) {
  const side = clip.sides[a] || clip.sides[b];
  return side ? palette[side] : halo ? "#f2f4f6" : palette.middle;
}

/** Return what is missing or unsure in a frame, in words. */
export function poseInWords(clip, frame) {
  const names = { [MISSING]: [], [INTERPOLATED]: [], [LOW_CONFIDENCE]: [] };
  clip.keypoints.forEach((name, k) => names[clip.poses.known[frame * clip.poses.keypoints + k]]?.push(name.replaceAll("_", " ")));
  const list = (some) => (some.length > 4 ? `${some.slice(0, 3).join(", ")} and ${some.length - 3} more` : some.join(", "));
  return [
    names[MISSING].length && `missing: ${list(names[MISSING])}`,
    names[INTERPOLATED].length && `interpolated: ${list(names[INTERPOLATED])}`,
    names[LOW_CONFIDENCE].length && `low confidence: ${list(names[LOW_CONFIDENCE])}`,
  ].filter(Boolean).join(" · ");
}
