// @ts-check
// The diagram's page: zoom, search, keyboard and status on the SVG that the kernel draws. It lays nothing out itself.

/**
 * @typedef {{node: string, title: string, schema: string, tier: string, tables: string[], labels: string[],
 *            attributes: string[], collapsed: boolean}} Box
 * @typedef {{done: number | null, total: number | null, running: number | null, errors: number | null, state: string,
 *            badge: string, words: string}} Status
 * @typedef {{schemas: string[], collapsed: string[], folded: boolean, overview: boolean, theme: string,
 *            focus: {table: string, up: number, down: number} | null}} Arrangement
 * @typedef {{table: string, title: string, shown: boolean}} Neighbour
 * @typedef {{table: string, definition: string, rows: string, jobs: string, parents: Neighbour[],
 *            children: Neighbour[]}} Details
 * @typedef {{x: number, y: number, width: number, height: number}} Rect
 */

const SVG = "http://www.w3.org/2000/svg";
const NATURAL = 4 / 3; // pixels for a point
const CLOSEST = 6;
const STEP = 1.25;
const PAN = 60; // pixels
const MAX_HEIGHT = 560;
const MIN_HEIGHT = 180;
let serial = 0;

/** @param {string} text */
const folded = (text) => text.toLowerCase().replaceAll("_", "");

/** @template {string} T @param {T} tag @param {Record<string, string | number>} attributes */
function draw(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** Whether the page around is dark. */
function pageIsDark() {
  const light = document.body.dataset.jpThemeLight;
  if (light !== undefined) return light === "false";
  if (document.body.dataset.vscodeThemeKind) return !document.body.dataset.vscodeThemeKind.includes("light");
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

class DiagramPage {
  number = (serial += 1);
  root = make("div", "dj-diagram-view dj-live", { "data-lm-suppress-shortcuts": "true" });
  bar = make("div", "dj-bar", { role: "toolbar", "aria-label": "Diagram" });
  search = make("input", "dj-search", {
    type: "search",
    placeholder: "Search tables, attributes, tiers",
    "aria-label": "Search tables, attributes, tiers",
    spellcheck: "false",
  });
  found = make("span", "dj-status dj-found", { role: "status", "aria-live": "polite" });
  next = make("button", "dj-button", { type: "button", title: "Go to the next match (Enter)" }, "Next");
  out = make("button", "dj-button", { type: "button", "aria-label": "Zoom out", title: "Zoom out (−)" }, "−");
  in = make("button", "dj-button", { type: "button", "aria-label": "Zoom in", title: "Zoom in (+)" }, "+");
  fit = make("button", "dj-button", { type: "button", title: "Show all of it (0)" }, "Fit");
  all = make("button", "dj-button", { type: "button", title: "Show all tables again" }, "Show all");
  live = make("button", "dj-button", { type: "button", title: "Follow how far computed tables are" }, "Status");
  python = make("button", "dj-button", { type: "button", "aria-expanded": "false", title: "Python that makes this picture" }, "Python");
  menu = make("details", "dj-menu");
  choices = make("div", "dj-choices", { role: "group", "aria-label": "Collapse" });
  alert = make("div", "dj-alert", { role: "alert" });
  trouble = make("div", "dj-alert", { role: "alert" });
  codePanel = make("section", "dj-panel dj-code-panel", { "aria-label": "Python" });
  canvas = make("div", "dj-canvas");
  panel = make("section", "dj-panel", { tabindex: "-1", "aria-label": "Table" });
  child = make("div", "dj-child");

  /** @type {SVGSVGElement | null} */
  picture = null;
  /** The picture's own extent. @type {Rect} */
  whole = { x: 0, y: 0, width: 1, height: 1 };
  /** What is seen of it. @type {Rect} */
  view = { x: 0, y: 0, width: 1, height: 1 };
  fitted = true;
  /** @type {Map<string, SVGGElement>} */
  nodes = new Map();
  /** @type {Map<string, Box>} */
  boxes = new Map();
  /** The node in the tab order. */
  active = "";
  /** The node whose panel is open, as far as there is one. */
  opened = "";
  /** @type {string[]} */
  matches = [];
  at = -1;
  /** @type {(() => void) | null} */
  unmount = null;
  saving = 0;
  /** @type {{x: number, y: number, view: Rect, moved: boolean, dropped: boolean, id: number} | null} */
  drag = null;

  drawing = new Drawing();

  redraw = () => this.drawing.do("picture", () => this.load());
  rearrange = () => this.drawing.do("arrangement", () => this.paintArrangement());
  restate = () => this.drawing.do("status", () => this.paintStatus());
  recode = () => this.drawing.do("code", () => this.paintCode());
  retheme = () => this.paintTheme();
  leave = (/** @type {Event} */ event) => {
    if (event.target instanceof Node && !this.menu.contains(event.target)) this.menu.open = false;
  };

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.questions = new Questions(model);
    const zoom = make("span", "dj-group");
    zoom.append(this.out, this.in, this.fit);
    this.menu.append(make("summary", "dj-button", {}, "Collapse"), this.choices);
    this.bar.append(this.search, this.next, this.found, zoom, this.menu, this.all, this.live, this.python);
    for (const node of [this.alert, this.trouble, this.panel, this.codePanel, this.child, this.next]) node.hidden = true;
    this.root.append(this.bar, this.codePanel, this.questions.late, this.trouble, this.alert, this.canvas, this.panel, this.child);
    el.append(this.root);
    this.listen();
    this.load();
    this.paintStatus();
    this.paintCode();
    this.sizes = new ResizeObserver(() => {
      if (this.fitted) this.showAll();
      else this.look(this.view);
      this.paintStatus(); // before the page had the picture, nothing in it had a size
    });
    this.sizes.observe(this.canvas);
    this.themes = new MutationObserver(this.retheme);
    this.themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
    const saved = model.get("viewport");
    requestAnimationFrame(() => {
      if (saved.length === 4 && this.picture) {
        this.fitted = false;
        this.look({ x: saved[0], y: saved[1], width: saved[2], height: saved[3] });
      } else this.showAll();
    });
  }

  listen() {
    const { model } = this;
    model.on("change:svg", this.redraw);
    model.on("change:layout_state", this.rearrange);
    for (const name of ["status", "live", "trouble"]) model.on(`change:${name}`, this.restate);
    model.on("change:code", this.recode);
    this.out.addEventListener("click", () => this.zoom(1 / STEP));
    this.in.addEventListener("click", () => this.zoom(STEP));
    this.fit.addEventListener("click", () => this.showAll());
    this.all.addEventListener("click", () => this.try("everything"));
    this.live.addEventListener("click", () => this.try("live", { on: !model.get("live") }));
    this.python.addEventListener("click", () => {
      this.codePanel.hidden = !this.codePanel.hidden;
      this.python.setAttribute("aria-expanded", String(!this.codePanel.hidden));
    });
    this.search.addEventListener("input", () => this.seek());
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1, false);
      else if (event.key === "Escape") {
        this.search.value = "";
        this.seek();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.next.addEventListener("click", () => this.step(1, true));
    this.menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.menu.open = false;
      this.menu.querySelector("summary")?.focus();
    });
    document.addEventListener("pointerdown", this.leave);
    this.canvas.addEventListener("pointerdown", (event) => this.grab(event));
    this.canvas.addEventListener("pointermove", (event) => this.pull(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
      this.canvas.addEventListener(name, (event) => this.drop(event));
    }
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.canvas.addEventListener("keydown", (event) => this.press(event));
    this.canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // the page is to scroll
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY / 300), event);
      },
      { passive: false },
    );
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.shut();
    });
  }

  /**
   * Ask, and show what goes wrong; what went wrong before is of the past, but not what comes in between.
   * @param {string} kind @param {object} [payload] @param {boolean} [asked] whether the reader has asked for it
   * @returns {Promise<any>}
   */
  async try(kind, payload, asked = true) {
    if (asked) paintAlert(this.alert, null);
    this.root.setAttribute("aria-busy", "true");
    try {
      return await this.questions.ask(kind, payload);
    } catch (error) {
      paintAlert(this.alert, /** @type {any} */ (error));
      return null;
    } finally {
      this.root.removeAttribute("aria-busy");
    }
  }

  // --- the picture
  load() {
    const focused = this.canvas.contains(document.activeElement);
    const parsed = new DOMParser().parseFromString(this.model.get("svg"), "image/svg+xml").documentElement;
    const picture = document.importNode(parsed, true);
    if (!(picture instanceof SVGSVGElement)) return;
    for (const node of [...picture.querySelectorAll("style, script, foreignObject")]) node.remove();
    const [x, y, width, height] = (picture.getAttribute("viewBox") ?? "0 0 1 1").split(/[\s,]+/).map(Number);
    this.whole = { x, y, width, height };
    picture.removeAttribute("width");
    picture.removeAttribute("height");
    picture.setAttribute("role", "group");
    picture.setAttribute("preserveAspectRatio", "xMidYMid meet");
    this.picture = picture;
    this.boxes = new Map(this.model.get("boxes").map((/** @type {Box} */ box) => [box.node, box]));
    this.nodes = new Map();
    for (const node of picture.querySelectorAll("[id]")) {
      const id = node.id;
      node.removeAttribute("id"); // a page may show a picture twice
      if (node instanceof SVGGElement && this.boxes.has(id)) this.dress(node, id);
    }
    this.canvas.replaceChildren(picture);
    this.canvas.style.height = `${Math.max(MIN_HEIGHT, Math.min(MAX_HEIGHT, Math.ceil(height * NATURAL) + 2))}px`;
    const selected = this.model.get("selected");
    const held = [...this.boxes.values()].find((box) => box.tables.includes(selected))?.node ?? "";
    if (!this.nodes.has(this.active)) this.active = held || ([...this.nodes.keys()][0] ?? "");
    if (!this.nodes.has(this.opened)) this.opened = this.panel.hidden ? "" : held;
    this.paintActive();
    this.paintArrangement();
    this.paintTheme();
    this.paintStatus();
    this.seek(false);
    this.showAll();
    if (focused) this.nodes.get(this.active)?.focus({ preventScroll: true });
  }

  /** @param {SVGGElement} node @param {string} id */
  dress(node, id) {
    node.dataset.node = id;
    node.setAttribute("role", "button");
    node.setAttribute("tabindex", "-1");
    node.dataset.label = node.getAttribute("aria-label") ?? id;
    this.nodes.set(id, node);
  }

  paintTheme() {
    const { theme } = this.model.get("layout_state");
    const dark = theme === "dark" || (theme === "auto" && pageIsDark());
    this.root.dataset.dark = String(dark && theme !== "dark");
    this.root.dataset.own = String(theme !== "auto");
  }

  paintActive() {
    for (const [id, node] of this.nodes) {
      node.setAttribute("tabindex", id === this.active ? "0" : "-1");
      node.classList.toggle("dj-opened", id === this.opened);
      node.setAttribute("aria-expanded", String(id === this.opened));
    }
  }

  // --- what is seen
  /** @param {Rect} view @param {boolean} [save] */
  look(view, save = true) {
    if (!this.picture) return;
    const box = this.canvas.getBoundingClientRect();
    const widest = Math.max(this.whole.width * 3, (box.width || 600) / NATURAL);
    const width = Math.min(Math.max(view.width, (box.width || 600) / CLOSEST), widest);
    const height = (width * (box.height || 1)) / (box.width || 1);
    const middle = { x: view.x + view.width / 2, y: view.y + view.height / 2 };
    this.view = { x: middle.x - width / 2, y: middle.y - height / 2, width, height };
    const { x, y } = this.view;
    this.picture.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    if (!save) return;
    clearTimeout(this.saving);
    this.saving = setTimeout(() => {
      this.model.set("viewport", this.fitted ? [] : [x, y, width, height]);
      this.model.save_changes();
    }, 300);
  }

  showAll() {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width) return;
    const { x, y, width, height } = this.whole;
    const scale = Math.min(box.width / width, box.height / height, NATURAL);
    const seen = { width: box.width / scale, height: box.height / scale };
    this.fitted = true;
    this.look({ x: x + (width - seen.width) / 2, y: y + (height - seen.height) / 2, ...seen });
  }

  /** @param {number} factor @param {{clientX: number, clientY: number}} [at] */
  zoom(factor, at) {
    const box = this.canvas.getBoundingClientRect();
    const left = at ? (at.clientX - box.left) / box.width : 0.5;
    const top = at ? (at.clientY - box.top) / box.height : 0.5;
    const before = this.view;
    this.fitted = false;
    this.look({ ...before, width: before.width / factor, height: before.height / factor });
    const { width, height } = this.view;
    this.look({ x: before.x + left * (before.width - width), y: before.y + top * (before.height - height), width, height });
  }

  /** @param {number} right @param {number} down */
  pan(right, down) {
    const scale = this.view.width / this.canvas.getBoundingClientRect().width;
    this.fitted = false;
    this.look({ ...this.view, x: this.view.x + right * scale, y: this.view.y + down * scale });
  }

  /** Bring a node into view. @param {string} id */
  reach(id) {
    const place = this.place(id);
    if (!place) return;
    const { x, y, width, height } = this.view;
    const inside = place.x >= x && place.y >= y && place.x + place.width <= x + width && place.y + place.height <= y + height;
    if (inside) return;
    this.fitted = false;
    this.look({ x: place.x + place.width / 2 - width / 2, y: place.y + place.height / 2 - height / 2, width, height });
  }

  /** Where a node is, in the units of the picture. @param {string} id @returns {Rect | null} */
  place(id) {
    const node = this.nodes.get(id);
    if (!node || !this.picture) return null;
    const seen = this.canvas.getBoundingClientRect();
    const box = node.getBoundingClientRect();
    const scale = this.view.width / seen.width;
    return {
      x: this.view.x + (box.left - seen.left) * scale,
      y: this.view.y + (box.top - seen.top) * scale,
      width: box.width * scale,
      height: box.height * scale,
    };
  }

  // --- mouse
  /** @param {PointerEvent} event */
  grab(event) {
    if (event.button !== 0) return;
    this.drag = { x: event.clientX, y: event.clientY, view: this.view, moved: false, dropped: false, id: event.pointerId };
  }

  /** @param {PointerEvent} event */
  pull(event) {
    if (!this.drag || this.drag.dropped || event.pointerId !== this.drag.id) return;
    const right = event.clientX - this.drag.x;
    const down = event.clientY - this.drag.y;
    if (!this.drag.moved && Math.hypot(right, down) < 4) return;
    if (!this.drag.moved) {
      this.drag.moved = true;
      this.canvas.setPointerCapture(event.pointerId);
      this.canvas.classList.add("dj-dragging");
    }
    const scale = this.drag.view.width / this.canvas.getBoundingClientRect().width;
    this.fitted = false;
    this.look({ ...this.drag.view, x: this.drag.view.x - right * scale, y: this.drag.view.y - down * scale });
  }

  /** @param {PointerEvent} event */
  drop(event) {
    if (!this.drag || event.pointerId !== this.drag.id) return;
    this.canvas.classList.remove("dj-dragging");
    this.drag.dropped = true; // what the pointer does from now on moves nothing
    // The click that ends a drag opens nothing.
    if (this.drag.moved) setTimeout(() => (this.drag = null), 0);
    else this.drag = null;
  }

  /** @param {MouseEvent} event */
  click(event) {
    if (this.drag?.moved) return;
    const node = event.target instanceof Element ? event.target.closest("[data-node]") : null;
    if (!(node instanceof SVGGElement)) return;
    this.active = node.dataset.node ?? "";
    this.open(this.active);
  }

  // --- keyboard
  /** @param {KeyboardEvent} event */
  press(event) {
    /** @type {Record<string, [number, number]>} */
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (way && event.shiftKey) this.pan(way[0] * PAN, way[1] * PAN);
    else if (way) this.move(way[0], way[1]);
    else if (event.key === "Enter" || event.key === " ") this.open(this.active);
    else if (event.key === "+" || event.key === "=") this.zoom(STEP);
    else if (event.key === "-") this.zoom(1 / STEP);
    else if (event.key === "0") this.showAll();
    else if (event.key === "/") this.search.focus();
    else if (event.key === "Escape") this.shut();
    else if (event.key === "Home" || event.key === "End") this.go([...this.nodes.keys()].at(event.key === "Home" ? 0 : -1) ?? "");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Go to the nearest node that way. @param {number} right @param {number} down */
  move(right, down) {
    const from = this.nodes.get(this.active)?.getBoundingClientRect();
    if (!from) return;
    let best = "";
    let least = Infinity;
    for (const [id, node] of this.nodes) {
      if (id === this.active) continue;
      const to = node.getBoundingClientRect();
      const x = to.left + to.width / 2 - from.left - from.width / 2;
      const y = to.top + to.height / 2 - from.top - from.height / 2;
      const along = x * right + y * down;
      const aside = Math.abs(x * down) + Math.abs(y * right);
      if (along > 1 && along + 2 * aside < least) [best, least] = [id, along + 2 * aside];
    }
    if (best) this.go(best);
  }

  /** @param {string} id @param {boolean} [focus] */
  go(id, focus = true) {
    if (!this.nodes.has(id)) return;
    this.active = id;
    this.paintActive();
    this.reach(id);
    if (focus) this.nodes.get(id)?.focus({ preventScroll: true });
  }

  // --- search
  /** @param {boolean} [move] */
  seek(move = true) {
    const wanted = folded(this.search.value.trim());
    this.matches = [];
    for (const [id, node] of this.nodes) {
      const box = this.boxes.get(id);
      const fits = Boolean(wanted && box && this.fits(box, wanted));
      if (fits) this.matches.push(id);
      node.classList.toggle("dj-match", fits);
    }
    this.root.classList.toggle("dj-searching", wanted !== "");
    this.next.hidden = this.matches.length === 0;
    this.at = -1;
    const count = this.matches.length;
    this.found.textContent = wanted ? (count ? `${count} of ${this.nodes.size} match` : "nothing matches") : "";
    if (move && count) this.reach(this.matches[0]);
  }

  /** @param {Box} box @param {string} wanted */
  fits(box, wanted) {
    const names = [box.title, box.tier, ...box.labels, ...box.attributes];
    return names.some((name) => folded(name).includes(wanted));
  }

  /** @param {number} by @param {boolean} focus */
  step(by, focus) {
    const count = this.matches.length;
    if (!count) return;
    this.at = (this.at + by + count) % count;
    const id = this.matches[this.at];
    this.go(id, focus);
    this.found.textContent = `${this.at + 1} of ${count}: ${this.boxes.get(id)?.title ?? ""}`;
  }

  // --- arrangement
  paintArrangement() {
    /** @type {Arrangement} */
    const state = this.model.get("layout_state");
    const focused = this.choices.contains(document.activeElement) ? document.activeElement?.getAttribute("name") : null;
    const boxes = state.schemas.map((schema) => this.choice(`schema ${schema}`, `Schema ${schema}`, state.overview || state.collapsed.includes(schema), state.overview, (on) =>
      this.arrange({ collapsed: on ? [...state.collapsed, schema] : state.collapsed.filter((one) => one !== schema) }),
    ));
    const parts = this.choice("parts", "Parts into their masters", state.folded, state.overview, (on) => this.arrange({ folded: on }));
    const overview = this.choice("overview", "Everything, telling tiers", state.overview, false, (on) => this.arrange({ overview: on }));
    this.choices.replaceChildren(...boxes, parts, overview);
    if (focused) {
      const again = this.choices.querySelector(`[name="${CSS.escape(focused)}"]`);
      if (again instanceof HTMLElement) again.focus();
    }
    this.all.hidden = state.focus === null;
  }

  /**
   * @param {string} name @param {string} text @param {boolean} checked @param {boolean} disabled
   * @param {(on: boolean) => void} act
   */
  choice(name, text, checked, disabled, act) {
    const label = make("label", "dj-choice");
    const input = make("input", "", { type: "checkbox", name });
    input.checked = checked;
    input.disabled = disabled;
    input.addEventListener("change", () => act(input.checked));
    label.append(input, ` ${text}`);
    return label;
  }

  /** @param {Partial<{collapsed: string[], folded: boolean, overview: boolean}>} change */
  async arrange(change) {
    const { collapsed, folded, overview } = this.model.get("layout_state");
    const done = await this.try("arrange", { collapsed, folded, overview, ...change });
    if (!done) this.paintArrangement(); // the boxes are as they were
  }

  // --- status
  paintStatus() {
    const live = this.model.get("live");
    this.live.setAttribute("aria-pressed", String(live));
    this.live.textContent = live ? "● Status" : "○ Status";
    const trouble = live ? this.model.get("trouble") : "";
    this.trouble.hidden = !trouble;
    if (trouble) this.trouble.replaceChildren(make("span", "dj-message", {}, `The status cannot be read: ${trouble}`));
    /** @type {Record<string, Status>} */
    const status = live ? this.model.get("status") : {};
    for (const [id, node] of this.nodes) this.mark(node, status[id]);
    if (!this.panel.hidden) this.paintPanelStatus();
  }

  /** Show a status on a node, in a colour, a sign and words, without moving anything. @param {SVGGElement} node @param {Status | undefined} status */
  mark(node, status) {
    const now = status ? JSON.stringify(status) : "";
    if (node.dataset.shown === now) return;
    node.dataset.shown = now;
    node.querySelector(".dj-status-mark")?.remove();
    node.dataset.state = status?.state ?? "";
    node.setAttribute("aria-label", status ? `${node.dataset.label}, ${status.words}` : node.dataset.label ?? "");
    if (!status || !status.badge) return;
    const shape = node.querySelector("ellipse, path, polygon, polyline");
    if (!(shape instanceof SVGGraphicsElement)) return;
    const box = shape.getBBox();
    if (!box.width) {
      delete node.dataset.shown;
      return;
    }
    const group = draw("g", { class: "dj-status-mark", "aria-hidden": "true" });
    const width = 7 + 5.6 * [...status.badge].length;
    const right = box.x + box.width;
    group.append(draw("rect", { class: "dj-badge", x: right - width + 5, y: box.y - 5, width, height: 12, rx: 6 }));
    const text = draw("text", { class: "dj-badge-text", x: right - width / 2 + 5, y: box.y + 4, "text-anchor": "middle", "font-size": 8.5 });
    text.textContent = status.badge;
    group.append(text);
    if (status.total) {
      const length = box.width * 0.6;
      const bar = { x: box.x + box.width * 0.2, y: box.y + box.height - 1.5, height: 3, rx: 1.5 };
      group.append(draw("rect", { class: "dj-track", ...bar, width: length }));
      group.append(draw("rect", { class: "dj-done", ...bar, width: (length * (status.done ?? 0)) / status.total }));
    }
    node.append(group);
  }

  // --- the panel
  /** @param {string} id */
  async open(id) {
    const box = this.boxes.get(id);
    if (!box) return;
    this.opened = id;
    this.paintActive();
    if (box.collapsed) {
      this.paintBox(box);
      return;
    }
    const details = await this.try("details", { table: box.tables[0] });
    if (details && this.opened === id) this.paintTable(box, details);
  }

  /** @param {Box} box @param {string} subtitle */
  heading(box, subtitle) {
    const line = make("div", "dj-bar");
    const close = make("button", "dj-button", { type: "button" }, "Close");
    close.addEventListener("click", () => this.shut());
    line.append(make("span", "dj-title", {}, box.title), make("span", "dj-status", {}, subtitle), close);
    this.panel.setAttribute("aria-label", box.title);
    return line;
  }

  /** @param {Box} box */
  paintBox(box) {
    const deeds = make("div", "dj-bar");
    const expand = make("button", "dj-button", { type: "button" }, "Expand");
    expand.addEventListener("click", () => {
      const { collapsed, schemas, overview } = this.model.get("layout_state");
      const rest = (overview ? schemas : collapsed).filter((/** @type {string} */ one) => one !== box.schema);
      this.shut(false);
      this.arrange({ collapsed: rest, overview: false });
    });
    deeds.append(expand);
    const list = make("p", "dj-names", {}, box.labels.join(", "));
    this.showPanel(this.heading(box, "collapsed"), list, this.statusLine(), deeds);
  }

  /** @param {Box} box @param {Details} details */
  paintTable(box, details) {
    const facts = this.facts(box, details);
    const deeds = make("div", "dj-bar");
    const browse = make("button", "dj-button", { type: "button" }, "Browse rows");
    browse.addEventListener("click", () => this.browse(details.table));
    const up = this.steps("up");
    const down = this.steps("down");
    const focus = make("button", "dj-button", { type: "button", title: "Show only this table and its neighbours" }, "Focus");
    focus.addEventListener("click", () => {
      const [above, below] = [up, down].map((label) => Number(label.querySelector("input")?.value) || 0);
      this.try("focus", { table: details.table, up: above, down: below });
    });
    const collapse = make("button", "dj-button", { type: "button" }, `Collapse ${box.schema}`);
    collapse.addEventListener("click", () => {
      this.shut(false);
      this.arrange({ collapsed: [...this.model.get("layout_state").collapsed, box.schema], overview: false });
    });
    deeds.append(browse, focus, up, down, collapse);
    const code = make("pre", "dj-definition", { tabindex: "0", "aria-label": "Definition" }, details.definition);
    const near = [this.neighbours("Parents", details.parents), this.neighbours("Children", details.children)];
    this.showPanel(this.heading(box, facts), this.statusLine(), deeds, code, ...near);
  }

  /** @param {Box} box @param {Details} details */
  facts(box, details) {
    return [box.tier, details.rows, details.jobs ? `jobs: ${details.jobs}` : ""].filter(Boolean).join(" · ");
  }

  /** Count again when work on the open table has ended. */
  async recount() {
    const box = this.boxes.get(this.opened);
    const line = this.panel.querySelector(".dj-status");
    if (!box || box.collapsed || !line) return;
    const details = await this.try("details", { table: box.tables[0] }, false);
    if (details && line.isConnected) line.textContent = this.facts(box, details);
  }

  /** @param {...Node} content */
  showPanel(...content) {
    this.child.hidden = true;
    this.unmount?.();
    this.unmount = null;
    this.panel.replaceChildren(...content);
    this.panel.hidden = false;
    this.paintPanelStatus();
    this.panel.focus({ preventScroll: false });
  }

  statusLine() {
    return make("p", "dj-panel-status dj-status", { role: "status", "aria-live": "polite" });
  }

  paintPanelStatus() {
    const line = this.panel.querySelector(".dj-panel-status");
    if (!(line instanceof HTMLElement)) return;
    const status = this.model.get("live") ? this.model.get("status")[this.opened] : null;
    const text = status ? `${status.badge} ${status.words}` : "";
    line.hidden = !text;
    if (line.textContent !== text) line.textContent = text;
    const running = Boolean(status?.running);
    if (line.dataset.running === "true" && !running) this.recount();
    line.dataset.running = String(running);
  }

  /** @param {"up" | "down"} way */
  steps(way) {
    const focus = this.model.get("layout_state").focus;
    const label = make("label", "dj-steps", {}, way === "up" ? "parents " : "children ");
    const input = make("input", "", { type: "number", min: "0", max: "100", value: String(focus?.[way] ?? 1), name: way });
    label.append(input);
    return label;
  }

  /** @param {string} title @param {Neighbour[]} tables */
  neighbours(title, tables) {
    const line = make("p", "dj-near", {}, `${title}: ${tables.length ? "" : "none"}`);
    for (const table of tables) {
      const button = make("button", "dj-button dj-small", { type: "button" }, table.title);
      button.addEventListener("click", () => this.goTo(table));
      line.append(button, " ");
    }
    return line;
  }

  /** @param {Neighbour} table */
  async goTo(table) {
    const id = [...this.boxes.values()].find((box) => box.tables.includes(table.table))?.node;
    if (id) {
      this.go(id, false);
      await this.open(id);
    } else if (await this.try("focus", { table: table.table, up: 1, down: 1 })) {
      const shown = [...this.boxes.values()].find((box) => box.tables.includes(table.table))?.node;
      if (shown) await this.open(shown);
    }
  }

  /** @param {string} table */
  async browse(table) {
    const answer = await this.try("browse", { table });
    if (!answer) return;
    try {
      this.unmount?.();
      this.unmount = await mountChild(this.model, answer.model, this.child);
      this.child.hidden = false;
    } catch (error) {
      paintAlert(this.alert, { message: `The rows cannot be shown here: ${error}` });
    }
  }

  /** @param {boolean} [focus] */
  shut(focus = true) {
    this.panel.hidden = this.child.hidden = true;
    this.unmount?.();
    this.unmount = null;
    this.opened = "";
    this.paintActive();
    if (focus) this.nodes.get(this.active)?.focus({ preventScroll: true });
  }

  // --- code
  paintCode() {
    const code = this.model.get("code");
    const copy = make("button", "dj-button", { type: "button" }, "Copy");
    copy.addEventListener("click", () =>
      copyText(code).then(() => {
        copy.textContent = "Copied";
      }),
    );
    this.codePanel.replaceChildren(make("pre", "dj-code", { tabindex: "0", "aria-label": "Python" }, code), copy);
  }

  destroy() {
    const { model } = this;
    model.off("change:svg", this.redraw);
    model.off("change:layout_state", this.rearrange);
    for (const name of ["status", "live", "trouble"]) model.off(`change:${name}`, this.restate);
    model.off("change:code", this.recode);
    document.removeEventListener("pointerdown", this.leave);
    this.questions.close();
    this.drawing.close();
    this.sizes.disconnect();
    this.themes.disconnect();
    this.unmount?.();
    clearTimeout(this.saving);
    this.root.remove();
  }
}

export default {
  /** @param {{model: Model, el: HTMLElement}} context */
  render({ model, el }) {
    const view = new DiagramPage(model, el);
    requestAnimationFrame(() => hideTwin(model.get("twin_key"), el));
    return () => view.destroy();
  },
};
