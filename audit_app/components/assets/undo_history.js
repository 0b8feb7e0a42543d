// What was done in this tab, in whatever clip: the way that undo goes back. No DOM: node tests this file as it is.

const ROOT = "pose-audit.trail"; // the name under which tabs that are open during an upgrade keep it
const LONGEST = 500;

export class UndoHistory {
  /** `storage` lives as long as the tab (or is null); `who`: workspace, stream, reviewer. */
  constructor({ storage, who }) {
    this.storage = storage;
    this.key = [ROOT, who.workspace, who.stream, who.reviewer].map(encodeURIComponent).join("/");
    const kept = this.read();
    this.done = kept?.done ?? [];
    this.undone = kept?.undone ?? [];
  }

  /** The newest act that stands: `{id, clip, segment, here}`. */
  get last() {
    return this.done[this.done.length - 1] ?? null;
  }

  /** The newest act that was taken back, with the operation that took it back as `by`. */
  get lastUndone() {
    return this.undone[this.undone.length - 1] ?? null;
  }

  /** Take in an operation that was made at a place: `{clip, segment, here}`. */
  add(operation, place) {
    const { operation_id: id, undoes } = operation;
    if (!undoes) {
      this.done.push({ id, ...place });
      this.undone = [];
    } else if (this.lastUndone?.by === undoes) {
      const { by, ...again } = this.undone.pop();
      this.done.push(again);
    } else {
      const at = this.done.findLastIndex((act) => act.id === undoes);
      if (at >= 0) this.undone.push({ ...this.done.splice(at, 1)[0], by: id });
    }
    this.write();
  }

  /** An act is not there any more: others' labels were taken in its place, or it was taken back elsewhere. */
  forget(id) {
    this.done = this.done.filter((act) => act.id !== id);
    this.undone = this.undone.filter((act) => act.by !== id);
    this.write();
  }

  read() {
    try {
      const kept = JSON.parse(this.storage.getItem(this.key));
      return Array.isArray(kept?.done) && Array.isArray(kept?.undone) ? kept : null;
    } catch {
      return null;
    }
  }

  write() {
    this.done = this.done.slice(-LONGEST);
    try {
      this.storage.setItem(this.key, JSON.stringify({ done: this.done, undone: this.undone }));
    } catch {
      // Without storage the way back lasts until the page is loaded anew.
    }
  }
}
