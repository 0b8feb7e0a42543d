// One saver for each clip that was opened in this page. Savers of clips that were left go on until all is stored.

import { Journal } from "./journal.js";
import { Saver, sendLeftovers } from "./sync.js";

const detached = new Map();
let pages = 0;

const timers = { set: (act, ms) => setTimeout(act, ms), clear: (timer) => clearTimeout(timer), now: () => Date.now() };

/** Return the name of this tab; it survives a reload. */
function tabName() {
  try {
    let name = sessionStorage.getItem("pose-audit.tab");
    if (!name) {
      name = crypto.getRandomValues(new Uint32Array(2)).join("");
      sessionStorage.setItem("pose-audit.tab", name);
    }
    return name;
  } catch {
    return "no-storage";
  }
}

/** Return a function that posts commits with the token of `held`, which may be renewed. */
export function sender(held) {
  return async (message, { keepalive }) => {
    const answer = await fetch(held.routes.commit, {
      method: "POST", keepalive, priority: "high", credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: held.token, ...message }),
      signal: AbortSignal.timeout(15000),
    });
    const body = await answer.json().catch(() => null);
    // A proxy's page with status 200 is no receipt.
    if (answer.status === 200 && !Array.isArray(body?.acknowledged)) throw new Error("no receipt");
    if (answer.status === 409 && !Array.isArray(body?.operations)) return { status: 500, body };
    return { status: answer.status, body };
  };
}

/** Make the saver of a clip, with what earlier pages and this one left behind for it. */
export function saverOf(data, clip, held, { onChange, onRebuilt }) {
  const who = { workspace: data.workspace, reviewer: data.reviewer, stream: data.stream };
  pages += 1;
  const page = `${Date.now().toString(36)}-${pages}`;
  const journal = new Journal({ storage: storage(), who, clipId: clip.clipId, tab: tabName(), page, now: Date.now });
  const saved = { clipId: clip.clipId, stream: data.stream, classes: data.classes.map((c) => c.name), frameNumbers: clip.frameNumbers };
  const saver = new Saver({
    clip: saved, stored: data.operations, revision: data.revision, journal, send: sender(held), timers, onChange, onRebuilt,
  });
  saver.name = [who.workspace, who.stream, who.reviewer, clip.clipId].join("\n");
  // The tab's own name lets the saver that was detached in this very page be taken in like that of a page that is gone.
  detached.get(saver.name)?.leave();
  detached.delete(saver.name);
  return saver;
}

/** Let a clip go; what is pending is still sent. */
export function detach(saver) {
  if (!saver.pending.length) return;
  detached.set(saver.name, saver);
  saver.detach();
}

/** Send the rest of all clips that were left, because the page goes. */
export function leaveAll() {
  for (const saver of detached.values()) saver.leave();
}

export function leftovers(saver, stream, held) {
  return sendLeftovers({ journal: saver.journal, stream, send: sender(held) });
}

function storage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
