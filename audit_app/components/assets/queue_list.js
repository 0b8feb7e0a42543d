// The queue: thousands of segments in a list that draws only the rows that are visible. Filters and order live in the page's address.
// The columns arrive once, as JSON bytes; filtering never asks the server.

import { h } from "./dom.js";
import { mounting } from "./mounting.js";
import { QUEUE_FILTERS, tabStorage } from "./page_outbox.js";

const ROW = 46;
const SPARE = 8;
const CHOICES = ["species", "given", "suggested", "kind", "reviewer", "state"];
const KEYS = [...CHOICES, "text", "order"];
const ORDERS = { priority: "highest priority first", learning: "best for retraining first", quality: "lowest quality first", clip: "clip by clip", length: "longest first" };

export default mounting((parent) => new Queue(parent));

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

class Queue {
  constructor(parent) {
    this.root = h("div.queue");
    parent.append(this.root);
    this.filters = Object.fromEntries(KEYS.map((key) => [key, ""]));
    this.active = 0;
    this.shown = [];
    this.drawn = "";
    this.build();
  }

  build() {
    this.bar = h("div.bar", { role: "search", "aria-label": "Filter the queue" });
    this.text = h("input", {
      type: "search", placeholder: "clip or label  ( / )", "aria-label": "Filter by text", "data-testid": "queue-text",
      oninput: () => this.change("text", this.text.value),
      onkeydown: (event) => {
        if (event.code !== "ArrowDown") return;
        event.preventDefault();
        this.list.focus({ preventScroll: true });
      },
    });
    const select = (label, key, name, options) =>
      h("select", { "aria-label": label, "data-testid": name, onchange: (event) => this.change(key, event.target.value) }, options);
    this.selects = Object.fromEntries(CHOICES.map((key) => [key, select(`Filter by ${key}`, key, `queue-filter-${key}`)]));
    const orders = Object.entries(ORDERS).map(([value, words]) => h("option", { value: value === "priority" ? "" : value }, words));
    this.order = select("Order", "order", "queue-order", orders);
    this.clear = h("button.quiet", { type: "button", "data-testid": "queue-clear", onclick: () => this.clearFilters() }, "Clear filters");
    this.bar.append(this.text, ...Object.values(this.selects), this.order, this.clear);

    this.meter = h("div.meter", { "aria-hidden": "true" }, [h("i.decided"), h("i.unsure")]);
    this.count = h("span.count", { role: "status", "aria-live": "polite", "data-testid": "queue-count" });
    this.go = h("button.primary", { type: "button", "data-testid": "queue-continue", onclick: () => this.open(this.target()) });
    this.summary = h("div.summary", {}, [this.count, this.meter, this.go]);

    const heads = ["#", "Clip", "Given → suggested", "Why", "Quality", "State"];
    this.head = h("div.row.head", { "aria-hidden": "true" }, heads.map((text) => h("span", {}, text)));
    this.space = h("div.space", { role: "presentation" });
    this.list = h("div.list", {
      role: "listbox", tabindex: "0", "aria-label": "Segments to review", "data-testid": "queue-list",
      onscroll: () => this.draw(), onkeydown: (event) => this.key(event),
    }, this.space);
    this.empty = h("p.empty", { "data-testid": "queue-empty" }, "No segment fits these filters. Clear one of them to see more.");
    this.root.append(this.bar, this.summary, this.head, this.list, this.empty);
    this.resized = new ResizeObserver(() => this.measure());
    for (const part of [this.bar, this.list, document.documentElement]) this.resized.observe(part);
    this.slash = (event) => {
      if (event.code === "Slash" && !event.ctrlKey && !event.metaKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
        event.preventDefault();
        this.text.focus();
      }
    };
    document.addEventListener("keydown", this.slash);
  }

  /** The list fills the rest of the window, whatever the filters above it take. */
  measure() {
    const top = this.list.getBoundingClientRect().top;
    if (top > 0) this.root.style.setProperty("--available", `${Math.floor(window.innerHeight - top - 20)}px`);
    this.draw();
  }

  destroy() {
    this.resized.disconnect();
    document.removeEventListener("keydown", this.slash);
    this.root.remove();
  }

  /** The first data, or new data after a decision or for another run. */
  update(bytes, setTriggerValue) {
    this.setTriggerValue = setTriggerValue;
    if (this.bytes === bytes) return;
    this.bytes = bytes;
    const first = !this.data;
    this.data = JSON.parse(new TextDecoder().decode(bytes));
    const { columns, names } = this.data;
    this.words = columns.clip.map((clip, i) =>
      `${clip} ${names[columns.given_class[i]].slice(0, 3).join(" ")} ${names[columns.suggested_class[i]].slice(0, 3).join(" ")}`.toLocaleLowerCase());
    if (first) this.filters = this.firstFilters();
    this.fill();
    this.apply(first ? this.data.here : null);
    // What the page is for is at hand: arrows move and Enter opens without a Tab, unless somebody is typing.
    if (first && [null, document.body].includes(document.activeElement)) this.list.focus({ preventScroll: true });
  }

  /** The address says what to show; one that says nothing, as after a look at another page, means what this tab showed last. */
  firstFilters() {
    const { query, within } = this.data;
    const kept = Object.fromEntries(new URLSearchParams(tabStorage?.getItem(QUEUE_FILTERS) ?? ""));
    const whole = (chosen) => Object.fromEntries(KEYS.map((key) => [key, chosen[key] ?? ""]));
    if (KEYS.some((key) => query[key])) return whole({ ...(within ? kept : { order: kept.order }), ...query });
    this.filters = whole(kept);
    // What was all worked off is no place to come back to.
    return this.matching().length ? this.filters : whole({ order: kept.order });
  }

  fill() {
    const { columns, lists } = this.data;
    for (const key of CHOICES) {
      const held = new Map();
      for (const value of columns[key]) for (const one of Array.isArray(value) ? value : [value]) held.set(one, (held.get(one) ?? 0) + 1);
      const options = lists[key].map(([value, words], place) => [value, words, held.get(place) ?? 0]).filter(([, , count]) => count > 0);
      this.selects[key].replaceChildren(
        h("option", { value: "" }, { given: "any given label", suggested: "any suggestion" }[key] ?? `any ${key}`),
        ...options.map(([value, words, count]) => h("option", { value }, `${words}  ${count.toLocaleString()}`)));
      this.selects[key].hidden = options.length < 2 && !this.filters[key];
    }
  }

  clearFilters() {
    for (const key of KEYS) if (key !== "order") this.filters[key] = "";
    this.apply();
  }

  change(key, value) {
    this.filters[key] = value;
    this.apply();
  }

  matching() {
    const { columns, lists } = this.data;
    const tests = [];
    for (const key of CHOICES) {
      if (!this.filters[key]) continue;
      const wanted = lists[key].findIndex(([value]) => value === this.filters[key]);
      const column = columns[key];
      tests.push(key === "reviewer" ? (i) => column[i].includes(wanted) : (i) => column[i] === wanted);
    }
    const text = this.filters.text.trim().toLocaleLowerCase();
    if (text) tests.push((i) => this.words[i].includes(text));
    const found = [];
    for (let i = 0; i < columns.id.length; i += 1) if (tests.every((test) => test(i))) found.push(i);
    return found;
  }

  sorted(found) {
    const { columns } = this.data;
    const length = (i) => columns.end[i] - columns.start[i];
    const orders = {
      learning: (a, b) => columns.learning[a] - columns.learning[b],
      quality: (a, b) => columns.quality[a] - columns.quality[b] || a - b,
      clip: (a, b) => (columns.clip[a] < columns.clip[b] ? -1 : columns.clip[a] > columns.clip[b] ? 1 : columns.start[a] - columns.start[b]),
      length: (a, b) => length(b) - length(a) || a - b,
    };
    return orders[this.filters.order] ? found.sort(orders[this.filters.order]) : found;
  }

  apply(here = null) {
    this.shown = this.sorted(this.matching());
    for (const key of CHOICES) this.selects[key].value = this.filters[key];
    if (this.text.value !== this.filters.text) this.text.value = this.filters.text;
    this.order.value = this.filters.order;
    this.clear.hidden = !KEYS.some((key) => key !== "order" && this.filters[key]);
    this.address();
    const place = here === null ? -1 : this.shown.findIndex((i) => this.data.columns.id[i] === here);
    this.active = Math.max(0, place);
    this.space.style.height = `${this.shown.length * ROW}px`;
    this.list.scrollTop = place > 3 ? (place - 3) * ROW : 0;
    this.tell();
    this.draw(true);
  }

  query() {
    const query = new URLSearchParams();
    for (const key of KEYS) if (this.filters[key]) query.set(key, this.filters[key]);
    return query;
  }

  address() {
    const query = this.query();
    tabStorage?.setItem(QUEUE_FILTERS, query.toString());
    // What the address asked for once is done: a reload shows what stands there now.
    for (const [key, value] of new URLSearchParams(window.location.search)) if (![...KEYS, "within"].includes(key)) query.append(key, value);
    const text = query.toString();
    window.history.replaceState(window.history.state, "", window.location.pathname + (text ? `?${text}` : ""));
  }

  tell() {
    const { columns, lists, seconds_per_frame: pace } = this.data;
    const counts = { open: 0, decided: 0, unsure: 0, disputed: 0 };
    let frames = 0;
    for (const i of this.shown) {
      const [state] = lists.state[columns.state[i]];
      counts[state] += 1;
      if (state === "open") frames += columns.frames[i];
    }
    const { open, decided, unsure, disputed } = counts;
    const all = this.shown.length, total = columns.id.length;
    const time = open && pace ? ` · about ${duration(frames * pace)} left` : "";
    const part = all === total ? `${total.toLocaleString()} segments` : `${all.toLocaleString()} of ${total.toLocaleString()} segments`;
    this.count.textContent = `${part} · ${decided.toLocaleString()} decided${unsure ? `, ${unsure.toLocaleString()} unsure` : ""}${disputed ? `, ${disputed.toLocaleString()} disputed` : ""}${time}`;
    const [first, second] = this.meter.children;
    first.style.width = `${(100 * decided) / Math.max(all, 1)}%`;
    second.style.width = `${(100 * (unsure + disputed)) / Math.max(all, 1)}%`;
    this.empty.hidden = all > 0;
    this.list.hidden = this.head.hidden = all === 0;
    const next = this.target();
    this.go.hidden = next < 0;
    this.go.textContent = this.data.here !== null && next >= 0 ? "Continue where I was" : "Start reviewing";
  }

  // The segment last opened while it is open, else the first open one after it.
  target() {
    const { columns, lists, here } = this.data;
    const open = lists.state.findIndex(([value]) => value === "open");
    const from = Math.max(0, this.shown.findIndex((i) => columns.id[i] === here));
    for (let step = 0; step < this.shown.length; step += 1) {
      const place = (from + step) % this.shown.length;
      if (columns.state[this.shown[place]] === open) return place;
    }
    return -1;
  }

  open(place) {
    const row = this.shown[place];
    if (row === undefined) return;
    this.active = place;
    this.draw(true);
    this.setTriggerValue("open", { segment: this.data.columns.id[row], query: Object.fromEntries(this.query()) });
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.list.clientHeight / ROW) - 1);
    const last = this.shown.length - 1;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.code === "Enter" || event.code === "NumpadEnter") this.open(this.active);
    else if (event.code in moves) {
      this.active = Math.min(last, Math.max(0, this.active + moves[event.code]));
      const top = this.active * ROW;
      if (top < this.list.scrollTop) this.list.scrollTop = top;
      if (top + ROW > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top + ROW - this.list.clientHeight;
      this.draw(true);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  draw(always = false) {
    if (!this.data) return;
    const from = Math.max(0, Math.floor(this.list.scrollTop / ROW) - SPARE);
    const to = Math.min(this.shown.length, Math.ceil((this.list.scrollTop + this.list.clientHeight) / ROW) + SPARE);
    const drawn = `${from}-${to}`;
    if (!always && drawn === this.drawn) return;
    this.drawn = drawn;
    const rows = [];
    for (let place = from; place < to; place += 1) rows.push(this.row(place));
    this.space.replaceChildren(...rows);
    const active = this.space.querySelector("[aria-selected=true]");
    if (active) this.list.setAttribute("aria-activedescendant", active.id);
    else this.list.removeAttribute("aria-activedescendant");
  }

  row(place) {
    const i = this.shown[place];
    const { columns, lists, here } = this.data;
    const state = lists.state[columns.state[i]];
    const who = columns.reviewer[i].map((one) => lists.reviewer[one][1]).join(", ");
    return h("div", {
      class: `row ${state[0]}${columns.id[i] === here ? " here" : ""}`,
      id: `queue-row-${place}`,
      role: "option",
      "aria-selected": String(place === this.active),
      "aria-posinset": place + 1,
      "aria-setsize": this.shown.length,
      "data-testid": "queue-row",
      "data-place": place,
      "data-segment": columns.id[i],
      style: `top:${place * ROW}px`,
      onclick: () => this.open(place),
    }, [
      h("span.number", {}, (i + 1).toLocaleString()),
      h("span.clip", {}, [
        h("b", { title: columns.clip[i] }, columns.clip[i]),
        h("small", {}, `frames ${columns.start[i]}–${columns.end[i]} · ${columns.windows[i]} windows`),
      ]),
      h("span.labels", {}, [this.label(columns.given_class[i]), h("span.arrow", {}, "→"), this.label(columns.suggested_class[i], columns.probability[i])]),
      h("span.kind", {}, lists.kind[columns.kind[i]][1]),
      h("span.quality", {}, [this.gauge(columns.quality[i]), h("span", {}, columns.quality[i].toFixed(2))]),
      h("span.state", {}, [h("em", {}, state[1]), h("small", { title: who }, who)]),
    ]);
  }

  label(code, probability = null) {
    const [name, en, ko, colour, cue] = this.data.names[code];
    // Where a species has more classes than colours, the second turn of the palette is hatched.
    const hatching = cue ? `;background-image:repeating-linear-gradient(${45 * cue}deg, transparent 0 3px, var(--st-background-color) 3px 5px)` : "";
    // The probability goes first: a long name is cut off, a figure must not be.
    const others = [en, ko].filter(Boolean).join(" · ");
    const small = [probability === null ? "" : `${Math.round(100 * probability)} %`, others].filter(Boolean).join(" · ");
    const title = others ? `${name} (${others})` : name;
    return h("span.label", { title }, [h("i.chip", { style: `background:${colour}${hatching}` }), h("span", {}, [h("b", {}, name), h("small", {}, small)])]);
  }

  gauge(quality) {
    return h("span.gauge", { "aria-hidden": "true" }, h("i", { style: `width:${Math.round(100 * quality)}%` }));
  }
}
