// Confirmed clips that look alike, as small skeletons that play.

import { h } from "./dom.js";
import { bytesOf, poses } from "./decoding.js";
import { Stage } from "./drawing.js";
import { boundsOf } from "./tracks.js";
import { inkOn } from "./palette.js";

const WIDTH = 96;
const HEIGHT = 72;

export class Similar {
  constructor(section) {
    this.section = section;
    this.shown = [];
    // Who asked for less motion sees one pose, and the rest while pointing at it.
    this.still = window.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;
  }

  open(clips, { sides, edges, keypoints }) {
    this.section.hidden = !clips?.length;
    this.shown = (clips ?? []).slice(0, 3).map((clip) => {
      const canvas = h("canvas", { role: "img", "aria-label": `${clip.label}${clip.confirmed ? "" : ", not yet confirmed"}: ${clip.clip_id}` });
      const stage = new Stage(canvas);
      const times = new Int32Array(bytesOf(clip.times));
      stage.open({ poses: poses(clip.poses, keypoints.length), sides, edges, keypoints, times });
      stage.resize(WIDTH, HEIGHT);
      const chip = h("span.chip", {}, `${clip.confirmed ? "✓ " : ""}${clip.label}`);
      if (clip.confirmed) Object.assign(chip.style, { background: clip.colour, color: inkOn(clip.colour) });
      else chip.style.borderColor = clip.colour;
      const title = [clip.name, clip.confirmed ? "confirmed" : "not yet confirmed", clip.clip_id, `distance ${clip.distance}`];
      const box = h("figure", { title: title.filter(Boolean).join(", ") }, [canvas, h("figcaption", {}, chip)]);
      const entry = { stage, bounds: boundsOf(times), pointed: false };
      box.addEventListener("pointerenter", () => { entry.pointed = true; });
      box.addEventListener("pointerleave", () => { entry.pointed = false; });
      return { ...entry, entry, box };
    });
    const few = this.shown.length && !(clips ?? []).some((clip) => clip.confirmed);
    this.section.replaceChildren(h("h3", {}, few ? "similar clips, none confirmed yet" : "similar clips, ✓ confirmed"), h("div.figures", {}, this.shown.map((s) => s.box)));
  }

  /** Draw the pose of this moment; returns whether anything moves. */
  draw(now, palette) {
    for (const { stage, bounds, entry } of this.shown) {
      const span = bounds[bounds.length - 1] - bounds[0];
      const ms = this.still && !entry.pointed ? span / 2 : now % span;
      let frame = 0;
      while (frame + 2 < bounds.length && bounds[frame + 1] - bounds[0] <= ms) frame += 1;
      if (entry.frame === frame && entry.palette === palette) continue;
      Object.assign(entry, { frame, palette });
      stage.draw(frame, { picture: null, pending: false, size: null, palette, trail: false });
    }
    return this.shown.length > 0 && !this.still;
  }
}
