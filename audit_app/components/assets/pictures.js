// Pictures of frames: fetched ahead of the cursor, kept compressed, and decoded off the main thread shortly before they are shown.

const AHEAD_S = 1.2;
const AT_ONCE = 4;
const FEW = 3;
const KEPT_BYTES = 96 * 2 ** 20;
const DECODED = 72;

export class Pictures {
  /**
   * `url(place)` gives a picture's address or null, `onReady(place)` is called when one can be drawn. `few`: until `release`, only
   * the first few are fetched, so that something else may come before the rest.
   */
  constructor({ url, token, count, fps, onReady, few = false }) {
    Object.assign(this, { url, token, count, fps, onReady, few });
    this.blobs = new Map();
    this.bitmaps = new Map();
    this.loading = new Map();
    this.failed = new Set();
    this.bytes = 0;
    this.wanted = [];
    this.size = null;
    this.closed = false;
  }

  /** Return the picture of a frame if it can be drawn now. */
  get(place) {
    return this.bitmaps.get(place) ?? null;
  }

  /** Say where the cursor is and where it is heading: what lies there is fetched first, then the rest of the clip. */
  want(place, { direction = 1, speed = 1 } = {}) {
    const ahead = Math.max(8, Math.round(AHEAD_S * this.fps * Math.max(speed, 1)));
    const near = [place];
    for (let i = 1; i <= ahead; i += 1) near.push(place + i * direction);
    for (let i = 1; i <= Math.min(10, ahead / 2); i += 1) near.push(place - i * direction);
    this.near = new Set(near.filter((p) => p >= 0 && p < this.count && this.url(p)));
    this.wanted = [...this.near];
    this.direction = direction;
    this.place = place;
    this.pump();
  }

  release() {
    if (!this.few) return;
    this.few = false;
    this.pump();
  }

  pump() {
    if (this.closed) return;
    for (const place of this.few ? this.wanted.slice(0, FEW) : this.wanted) {
      if (this.loading.size >= AT_ONCE) return;
      if (!this.bitmaps.has(place) && !this.loading.has(place) && !this.failed.has(place)) this.load(place, true);
    }
    // All near ones are there or coming: fetch the rest, so that no jump has to wait, as long as it fits.
    if (this.few || this.loading.size > 1 || this.bytes > KEPT_BYTES / 2) return;
    for (let i = 1; i < this.count; i += 1) {
      for (const place of [this.place + i, this.place - i]) {
        if (place < 0 || place >= this.count || this.blobs.has(place) || this.loading.has(place) || this.failed.has(place) || !this.url(place)) continue;
        this.load(place, false);
        return;
      }
    }
  }

  async load(place, decode) {
    const stop = new AbortController();
    this.loading.set(place, stop);
    try {
      let blob = this.blobs.get(place);
      if (!blob) {
        const answer = await fetch(this.url(place), { headers: { "X-Audit-Token": this.token }, signal: stop.signal, priority: decode ? "auto" : "low" });
        if (!answer.ok) throw new Error(String(answer.status));
        const [width, height] = (answer.headers.get("X-Source-Size") ?? "").split("x").map(Number);
        if (width && height) this.size = { width, height };
        blob = await answer.blob();
        this.blobs.set(place, blob);
        this.bytes += blob.size;
      }
      if (decode || this.near?.has(place)) {
        const bitmap = await createImageBitmap(blob);
        if (this.closed) bitmap.close();
        else this.bitmaps.set(place, bitmap);
        this.onReady(place);
      }
    } catch (error) {
      if (error.name !== "AbortError") this.failed.add(place);
      this.onReady(place);
    } finally {
      this.loading.delete(place);
      this.trim();
      this.pump();
    }
  }

  /** Let go of what is far from the cursor. */
  trim() {
    const far = (a, b) => Math.abs(b - this.place) - Math.abs(a - this.place);
    if (this.bitmaps.size > DECODED) {
      for (const place of [...this.bitmaps.keys()].sort(far).slice(0, this.bitmaps.size - DECODED)) {
        if (this.near?.has(place)) continue;
        this.bitmaps.get(place).close();
        this.bitmaps.delete(place);
      }
    }
    if (this.bytes > KEPT_BYTES) {
      for (const place of [...this.blobs.keys()].sort(far)) {
        if (this.bytes <= KEPT_BYTES) break;
        this.bytes -= this.blobs.get(place).size;
        this.blobs.delete(place);
      }
    }
  }

  close() {
    this.closed = true;
    for (const stop of this.loading.values()) stop.abort();
    for (const bitmap of this.bitmaps.values()) bitmap.close();
    this.bitmaps.clear();
    this.blobs.clear();
  }
}
