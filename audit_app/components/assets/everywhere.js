// What every page has: acts that were left in this browser are sent, what is not stored yet is said, and so is how to start a
// server that is gone.

import { h, setText } from "./dom.js";
import { mounting } from "./mounting.js";
import { EVERY_STREAM } from "./outbox.js";
import { QUEUE_FILTERS, outbox, tabStorage } from "./page_outbox.js";

const GONE = /Is Streamlit still running|Streamlit server is not responding|Cannot connect to Streamlit|Connection timed out/;
const STALE_COMMAND = /^streamlit run /;

export default mounting((parent) => new Everywhere(parent));

class Everywhere {
  constructor(parent) {
    this.parent = parent;
    this.held = {};
    this.words = h("span");
    const again = h("button", { type: "button", onclick: () => outbox.retry() }, "Try now");
    this.pill = h("div.pose-audit-unsent", { role: "status", "data-testid": "unsent", hidden: true }, [this.words, again]);
    parent.append(this.pill);
    this.unsubscribe = outbox.subscribe(() => this.show());
    this.following = (event) => this.follow(event);
    document.addEventListener("click", this.following, true);
    this.watching = new MutationObserver(() => this.mendDialog());
    this.watching.observe(document.body, { childList: true, subtree: true, characterData: true });
  }

  update({ workspace, reviewer, token, routes, command }, setTriggerValue) {
    this.setTriggerValue = setTriggerValue;
    this.command = command;
    Object.assign(this.held, { token, routes });
    outbox.permit({ workspace, reviewer, stream: EVERY_STREAM, held: this.held });
    outbox.sweep();
    this.show();
  }

  /** Streamlit's own way to a page drops the address's query: to Review, the filters of the queue go along. */
  follow(event) {
    const link = event.target.closest?.("[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]");
    const kept = tabStorage?.getItem(QUEUE_FILTERS);
    if (!kept || !link || !/\/review\/?$/.test(new URL(link.href).pathname)) return;
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.setTriggerValue("review", kept);
  }

  /** The Review page tells it in its own head. */
  show() {
    const { word, acts, clips } = outbox.state();
    const what = acts === 1 ? "1 act is" : `${acts} acts are`;
    setText(this.words, acts ? `${what} not stored yet (${clips.join(", ")}); this browser keeps them.` : "");
    this.pill.hidden = word === "saved" || word === "saving" || Boolean(document.querySelector("[class*=st-key-labeller]"));
  }

  /** Streamlit's own words for a server that is gone name a command that starts nothing here. */
  mendDialog() {
    for (const dialog of document.querySelectorAll("[role=dialog]")) {
      const walker = document.createTreeWalker(dialog, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (STALE_COMMAND.test(node.nodeValue)) node.nodeValue = this.command || "audit review";
        else if (GONE.test(node.nodeValue)) node.nodeValue = this.serverGone;
      }
    }
  }

  get serverGone() {
    const { acts } = outbox.state();
    const kept = acts ? ` ${acts === 1 ? "1 act is" : `${acts} acts are`} not stored yet, kept in this browser, and sent when it is back.` : " Everything was stored.";
    const start = this.command ? `If it was stopped, start it again in a terminal: ${this.command}` : "If it was stopped, whoever runs it starts it again.";
    return `The server of this page does not answer.${kept} ${start}`;
  }

  destroy() {
    this.unsubscribe();
    this.watching.disconnect();
    document.removeEventListener("click", this.following, true);
    this.pill.remove();
  }
}
