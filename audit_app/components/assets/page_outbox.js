// The outbox of this page, and the window that it lives in: it is one for all clips and all of Streamlit's pages, as long as the
// browser does not load anew.

import { Outbox } from "./outbox.js";

/** The timers of the window, for the modules that know no window. */
export const timers = { set: (act, ms) => setTimeout(act, ms), clear: (timer) => clearTimeout(timer), now: () => Date.now() };
const LONGEST_REQUEST_MS = 15000;

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
function sender(held) {
  return async (message, { keepalive }) => {
    const answer = await fetch(held.routes.commit, {
      method: "POST", keepalive, priority: "high", credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: held.token, ...message }),
      signal: AbortSignal.timeout(LONGEST_REQUEST_MS),
    });
    const body = await answer.json().catch(() => null);
    // A proxy's page with status 200 is no receipt.
    if (answer.status === 200 && !Array.isArray(body?.acknowledged)) throw new Error("no receipt");
    if (answer.status === 409 && !Array.isArray(body?.operations)) return { status: 500, body };
    return { status: answer.status, body };
  };
}

function storageNamed(name) {
  try {
    return window[name];
  } catch {
    return null;
  }
}

/** Streamlit loads the modules of each component apart: the outbox is made by the first, and belongs to the window. */
export const outbox = (window[Symbol.for("pose-audit.outbox")] ??= made());

/** Under which name the list of the queue keeps in `tabStorage` what this tab filters by. */
export const QUEUE_FILTERS = "pose-audit-queue";

/** What lives as long as the tab, or null where the browser forbids it. */
export const tabStorage = storageNamed("sessionStorage");

function made() {
  const outbox = new Outbox({ storage: storageNamed("localStorage"), tab: tabName(), sender, timers });
  window.addEventListener("online", () => outbox.retry());
  window.addEventListener("pagehide", () => outbox.leave());
  window.addEventListener("pageshow", (event) => { if (event.persisted) outbox.back(); });
  window.addEventListener("beforeunload", (event) => {
    if (!outbox.unsent) return;
    outbox.flush({ keepalive: true });
    event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") outbox.flush({ keepalive: true });
  });
  return outbox;
}
