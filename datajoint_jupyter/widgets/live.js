// @ts-check
// What all views share; put in front of each widget's module.

/**
 * What the front end gives a view to talk to its kernel side.
 * @typedef {{get(name: string): any, set(name: string, value: any): void, save_changes(): void,
 *            on(event: string, callback: (...args: any[]) => void): void,
 *            off(event: string, callback?: (...args: any[]) => void): void,
 *            send(content: any): void}} Model
 */

/**
 * How often values of an attribute occur: by ranges, or the most frequent ones.
 * @typedef {{label: string, count: number, condition: object | null, low: string, high: string, open: boolean}} Bar
 * @typedef {{name: string, rows: number, missing: number, distinct: number | null, low: string | null,
 *            high: string | null, histogram: boolean, sampled: boolean, bars: Bar[]}} Summary
 */

const FOCUSED = new Set(["button", "select", "summary"]);
const LONGEST_CLICK = 1000; // milliseconds after which a pointer that is still down holds nothing up
const PATIENCE = 1500; // milliseconds before the reader is told that an answer is awaited

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {string} className @param {Record<string, string>} [attributes] @param {string} [text]
 * @returns {HTMLElementTagNameMap[T]}
 */
function make(tag, className, attributes = {}, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  // On what is no text field, the notebook would take keys for its own: x cuts the cell.
  if (FOCUSED.has(tag) || "tabindex" in attributes) node.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

/**
 * Hide the static twin where the front end's own classes, which our style sheet relies on, do not exist.
 * @param {string} key @param {HTMLElement} el
 */
function hideTwin(key, el) {
  if (el.closest(".jp-OutputArea-child")) return;
  const twin = document.querySelector(`[data-dj-static="${CSS.escape(key)}"]`);
  if (twin instanceof HTMLElement) twin.hidden = true;
}

/**
 * Put text on the clipboard, also where the page is not trusted with it.
 * @param {string} text
 */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", "");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/**
 * Show another widget of the kernel within `host`; returns what takes it away again.
 * @param {any} model @param {string} id @param {HTMLElement} host
 */
async function mountChild(model, id, host) {
  const manager = model.widget_manager;
  const child = await manager.get_model(id);
  const view = await manager.create_view(child);
  host.replaceChildren(view.el);
  return () => {
    view.remove();
    host.replaceChildren();
  };
}

/**
 * Questions to the kernel of one view: each is answered once, or fails with the kernel's error.
 *
 * A kernel that runs a cell may hear none of them before its end (ipykernel 6 never does); `late` says so in view.
 */
class Questions {
  serial = 0;
  prefix = Math.random().toString(36).slice(2);
  late = make("div", "dj-late", { role: "status" });
  /** @type {Map<string, {timer: number, resolve: (payload: any) => void, reject: (error: any) => void}>} */
  open = new Map();
  /** @type {Set<string>} */
  overdue = new Set();

  /** @param {any} message */
  receive = (message) => {
    const waiting = this.open.get(message?.id);
    if (!waiting) return;
    this.open.delete(message.id);
    clearTimeout(waiting.timer);
    this.overdue.delete(message.id);
    this.paint();
    if (message.kind === "error") waiting.reject(message.payload);
    else waiting.resolve(message.payload);
  };

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    model.on("msg:custom", this.receive);
  }

  paint() {
    const text = this.overdue.size ? "No answer yet: the kernel is running a cell, or the database is busy. What you clicked is done after that." : "";
    if (this.late.textContent !== text) this.late.textContent = text;
  }

  /** @param {string} kind @param {object} [payload] @returns {Promise<any>} */
  ask(kind, payload = {}) {
    this.serial += 1;
    const id = `${this.prefix}:${this.serial}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.overdue.add(id);
        this.paint();
      }, PATIENCE);
      this.open.set(id, { timer, resolve, reject });
      this.model.send({ id, kind, payload });
    });
  }

  close() {
    this.model.off("msg:custom", this.receive);
    for (const { timer } of this.open.values()) clearTimeout(timer);
    this.open.clear();
  }
}

/**
 * Draws at once, but not while a pointer is held down: what moves a button away from under it takes its click.
 */
class Drawing {
  since = -Infinity;
  late = 0;
  /** @type {Map<string, () => void>} */
  waiting = new Map();

  press = (/** @type {Event} */ event) => {
    if (onScrollBar(event)) return; // what scrolls is drawn
    this.since = performance.now();
    clearTimeout(this.late);
    this.late = setTimeout(() => this.go(), LONGEST_CLICK); // also if no release is ever heard of
  };

  // The click comes right after the release.
  release = () => setTimeout(() => this.go());

  // It has come: what it does is drawn at once, what waits right after it.
  arrive = () => {
    if (this.since > -Infinity) this.release();
    this.since = -Infinity;
  };

  heard = /** @type {[string, (event: Event) => void][]} */ ([
    ["pointerdown", this.press],
    ...["pointerup", "pointercancel"].map((name) => [name, this.release]),
    ...["click", "input", "change", "keydown"].map((name) => [name, this.arrive]),
  ]);

  constructor() {
    for (const [name, callback] of this.heard) document.addEventListener(name, callback, true);
  }

  /** @param {string} what the last of several of a name is drawn @param {() => void} draw */
  do(what, draw) {
    this.waiting.delete(what);
    if (performance.now() - this.since > LONGEST_CLICK) draw();
    else this.waiting.set(what, draw);
  }

  go() {
    this.since = -Infinity;
    clearTimeout(this.late);
    const due = [...this.waiting.values()];
    this.waiting.clear();
    for (const draw of due) draw();
  }

  close() {
    for (const [name, callback] of this.heard) document.removeEventListener(name, callback, true);
    clearTimeout(this.late);
    this.waiting.clear();
  }
}

/** @param {Event} event */
function onScrollBar(event) {
  const { target } = event;
  if (!(event instanceof MouseEvent && target instanceof HTMLElement)) return false;
  const beside = target.scrollHeight > target.clientHeight && event.offsetX >= target.clientWidth;
  const below = target.scrollWidth > target.clientWidth && event.offsetY >= target.clientHeight;
  return target.clientWidth > 0 && (beside || below);
}

/**
 * What went wrong, with the traceback to unfold.
 * @param {HTMLElement} alert @param {{message?: string, traceback?: string} | null} error
 */
function paintAlert(alert, error) {
  alert.hidden = !error;
  alert.replaceChildren();
  if (!error) return;
  alert.append(make("span", "dj-message", {}, error.message || String(error)));
  const close = make("button", "dj-button", { type: "button" }, "Dismiss");
  close.addEventListener("click", () => paintAlert(alert, null));
  alert.append(close);
  if (error.traceback) {
    const details = make("details", "");
    details.append(make("summary", "", {}, "Traceback"), make("pre", "", {}, error.traceback));
    alert.append(details);
  }
}
