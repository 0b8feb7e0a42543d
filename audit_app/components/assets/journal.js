// What was painted and not yet acknowledged, in localStorage: it survives a reload, a killed browser and a closed laptop.
// Each page writes under a key of its own, so two tabs never overwrite each other.

const ROOT = "pose-audit.journal";
const DROPPED = "pose-audit.dropped";
const STALE_MS = 10000;

export class Journal {
  /** `who`: workspace, reviewer, stream; `tab`: name that survives a reload of the tab; `page`: name of this page's life. */
  constructor({ storage, who, clipId, tab, page, now }) {
    this.storage = storage;
    this.root = [ROOT, who.workspace, who.stream, who.reviewer].map(encodeURIComponent).join("/");
    this.droppedKey = [DROPPED, who.workspace, who.stream, who.reviewer, clipId].map(encodeURIComponent).join("/");
    this.workspace = who.workspace;
    this.clipId = clipId;
    this.key = `${this.root}/${encodeURIComponent(clipId)}/${page}`;
    this.tab = tab;
    this.now = now;
    this.works = true;
  }

  /** Keep what is pending, or forget the entry where nothing is. */
  keep({ base, classes, operations, left = false }) {
    if (!operations.length) return this.forget(this.key);
    const entry = { version: 1, clip: this.clipId, base, classes, operations, tab: this.tab, at: this.now(), left };
    return this.attempt(() => this.storage.setItem(this.key, JSON.stringify(entry)));
  }

  forget(key) {
    return this.attempt(() => this.storage.removeItem(key));
  }

  /** Return what pages that are gone left behind in this stream, oldest first, each with its key. */
  leftBehind() {
    const found = entriesOf(this.storage, this.workspace, { tab: this.tab, now: this.now() });
    return found.filter((entry) => entry.key.startsWith(`${this.root}/`) && entry.key !== this.key && !entry.alive);
  }

  /** Keep acts that the reviewer gave up for others', until they say that these can go. */
  setAside(operations, classes) {
    const before = this.aside();
    const kept = { operations: [...(before?.operations ?? []), ...operations], classes };
    this.attempt(() => this.storage.setItem(this.droppedKey, JSON.stringify(kept)));
  }

  aside() {
    let kept = null;
    this.attempt(() => { kept = parsed(this.storage.getItem(this.droppedKey)); });
    return kept;
  }

  forgetAside() {
    this.forget(this.droppedKey);
  }

  attempt(act) {
    try {
      act();
      this.works = true;
    } catch {
      // Storage is full or forbidden: the page says so, and saving goes on without a net.
      this.works = false;
    }
  }
}

/** Return what the journals of a workspace hold, oldest first; `alive` where the page that wrote it may still be at work. */
export function entriesOf(storage, workspace, { tab, now }) {
  const found = [];
  const root = `${[ROOT, workspace].map(encodeURIComponent).join("/")}/`;
  try {
    for (let i = 0; i < storage.length; i += 1) {
      const key = storage.key(i);
      const entry = key.startsWith(root) ? parsed(storage.getItem(key)) : null;
      if (!entry) continue;
      const [stream, reviewer] = key.slice(root.length).split("/").map(decodeURIComponent);
      const alive = !(entry.left || entry.tab === tab || now - entry.at > STALE_MS);
      found.push({ ...entry, key, workspace, stream, reviewer, alive });
    }
  } catch {
    // Storage is forbidden: then nothing was left in it.
  }
  return found.sort((a, b) => a.at - b.at);
}

function parsed(text) {
  if (!text) return null;
  try {
    const entry = JSON.parse(text);
    return entry && Array.isArray(entry.operations) && Array.isArray(entry.classes) ? entry : null;
  } catch {
    return null;
  }
}
