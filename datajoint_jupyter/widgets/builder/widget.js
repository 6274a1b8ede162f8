// @ts-check
// The restriction builder's page: a tree of conditions. The kernel reads the tree, counts and writes the code; what is
// typed goes there whole, and comes back to all views.

/**
 * @typedef {{id: string, kind: string, [field: string]: any}} Content one condition, group, negation …
 * @typedef {{name: string, type: string, comment: string, key: boolean, tests: string[], input: string,
 *            labels: string[]}} Attribute
 * @typedef {{label: string, count: number, low: string, high: string, open: boolean}} Bar
 * @typedef {{name: string, rows: number, missing: number, low: string | null, high: string | null, bars: Bar[],
 *            histogram: boolean, sampled: boolean}} Summary
 * @typedef {{attributes: Attribute[], ways: {text: string, via: string}[]}} TableInfo
 * @typedef {{name: string, hint: string}} Named
 * @typedef {{tables: Named[], key_tables: Named[]}} Related
 * @typedef {{content: Content, negated: boolean, outer: Content}} Seen a condition without the negation around it
 * @typedef {{el: HTMLElement, shape: string, update: (seen: Seen) => void}} Drawn
 */

const TYPING = 350; // milliseconds of rest before what is typed is counted
const LOOK_AGAIN = 2000; // milliseconds without the counts before the kernel is asked for them
const TESTS = /** @type {Record<string, string>} */ ({
  "=": "is",
  "<>": "is not",
  "<": "is below",
  "<=": "is at most",
  ">": "is above",
  ">=": "is at least",
  between: "is in the range",
  "one of": "is one of",
  contains: "contains",
  starts: "starts with",
  ends: "ends with",
  missing: "is missing",
});
const DATE = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/;

/** @param {string} label @param {string} [hint] */
const button = (label, hint = "") => make("button", "dj-button", hint ? { type: "button", title: hint } : { type: "button" }, label);

/**
 * @param {string} label @param {[string, string][]} options values and texts @param {string} value
 * @returns {HTMLSelectElement}
 */
function menu(label, options, value) {
  const select = make("select", "dj-menu", { "aria-label": label });
  for (const [key, text] of options) select.append(make("option", "", { value: key }, text));
  if (!options.some(([key]) => key === value)) select.append(make("option", "", { value }, value || "choose…"));
  select.value = value;
  return select;
}

/** Put children in this order without moving those that are in place: moving takes the focus away. @param {HTMLElement} parent @param {HTMLElement[]} children */
function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

/** What is being built, shared by all views of one widget. One tree is on its way to the kernel at a time. */
class Tree {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Content} */
    this.root = structuredClone(model.get("content"));
    this.serial = 0;
    this.prefix = Math.random().toString(36).slice(2);
    /** @type {Map<string, {since: number, resolve: (payload: any) => void, reject: (payload: any) => void}>} */
    this.asked = new Map();
    /** @type {Map<string, any>} answers that stay true until tables are looked up again */
    this.known = new Map();
    this.sending = false;
    this.changed = false;
    this.typing = 0;
    this.waited = performance.now();
    this.error = "";
    this.detail = "";
    this.said = ""; // what the last button did
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    this.tell = () => {
      for (const listener of this.listeners) listener();
    };
    this.renew = () => {
      if (!this.sending && !this.changed) this.root = structuredClone(this.model.get("content"));
      this.tell();
    };
    this.hear = (/** @type {any} */ message) => this.receive(message);
    this.heard = /** @type {[string, (message: any) => void][]} */ ([
      ["msg:custom", this.hear],
      ["change:revision", this.renew],
      ...["counts", "total", "problems", "texts", "kept", "browser_id", "title"].map((name) => [`change:${name}`, this.tell]),
    ]);
    for (const [event, callback] of this.heard) model.on(event, callback);
  }

  destroy() {
    clearTimeout(this.typing);
    for (const [event, callback] of this.heard) this.model.off(event, callback);
  }

  // --- messages
  /** @param {string} kind @param {object} payload @returns {Promise<any>} */
  ask(kind, payload) {
    this.serial += 1;
    const id = `${this.prefix}:${this.serial}`;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { since: performance.now(), resolve, reject });
      this.model.send({ id, kind, payload });
    });
  }

  /** @param {any} message */
  receive(message) {
    if (!message || typeof message.id !== "string") return;
    const asked = this.asked.get(message.id);
    this.asked.delete(message.id);
    if (message.kind === "error" && (asked || message.id === "")) this.fail(message.payload);
    if (asked && message.kind === "error") asked.reject(message.payload);
    else if (asked) asked.resolve(message.payload);
    this.tell();
  }

  /** @param {{message: string, traceback: string}} payload */
  fail(payload) {
    this.error = payload.message;
    this.detail = payload.traceback;
    this.said = "";
  }

  /** Whether the kernel lets us wait for an answer. */
  get late() {
    return [...this.asked.values()].some((asked) => performance.now() - asked.since > PATIENCE);
  }

  /** An answer that is asked for once; undefined until it is there. @param {string} kind @param {Record<string, string>} payload @returns {any} */
  learn(kind, payload) {
    const key = JSON.stringify([kind, payload]);
    if (!this.known.has(key)) {
      this.known.set(key, undefined);
      const keep = (/** @type {any} */ answer) => {
        this.known.set(key, answer);
        this.tell();
      };
      this.ask(kind, payload).then(keep, () => this.known.delete(key));
    }
    return this.known.get(key);
  }

  /** @param {string} table @param {string} origin @returns {TableInfo | undefined} */
  table(table, origin) {
    return this.learn("table", { origin, table });
  }

  /** Ask for counts that did not come: what a kernel tells while a page is just being loaded may be lost. */
  lookAgain() {
    const { model } = this;
    const known = model.get("total").text && model.get("counts")[model.get("content").id];
    if (known || this.asked.size || this.sending) this.waited = performance.now();
    if (performance.now() - this.waited < LOOK_AGAIN) return;
    const keep = (/** @type {Record<string, any>} */ state) => {
      for (const [name, value] of Object.entries(state)) model.set(name, value);
    };
    this.ask("look", {}).then(keep, () => {});
  }

  // --- changes
  /** Do a button's work, and tell how it went. @param {string} kind @param {object} payload @param {string} said */
  do(kind, payload, said) {
    this.error = this.detail = this.said = "";
    const done = () => {
      this.said = said;
      this.tell();
    };
    this.ask(kind, payload).then(done, () => {});
  }

  refresh() {
    this.known.clear();
    this.do("refresh", {}, "Counted again");
  }

  /** Send the tree; at once, or after a rest while something is being typed. @param {boolean} [soon] */
  push(soon = true) {
    this.changed = true;
    this.error = this.detail = this.said = "";
    clearTimeout(this.typing);
    if (soon) this.send();
    else this.typing = setTimeout(() => this.send(), TYPING);
    if (soon) this.tell();
  }

  send() {
    if (this.sending || !this.changed) return;
    this.sending = true;
    this.changed = false;
    const done = () => {
      this.sending = false;
      if (this.changed) this.send();
      else this.renew();
    };
    this.ask("set", { tree: this.root }).then(done, done);
  }

  id() {
    this.serial += 1;
    return `p${this.prefix}${this.serial}`;
  }

  /** @param {Content[]} items @returns {Content} */
  group(items = []) {
    return { id: this.id(), kind: "group", how: "and", items };
  }

  /** A condition on an attribute to begin with. @param {Attribute} attribute @returns {Content} */
  condition(attribute) {
    return this.tested({ id: this.id(), kind: "missing", name: attribute.name }, attribute.tests[0], null);
  }

  /** The condition with another test, on the same value if that makes sense. @param {Content} content @param {string} test @param {string | null} value @returns {Content} */
  tested(content, test, value) {
    const { id, name } = content;
    if (test === "missing") return { id, kind: "missing", name };
    if (test === "between") return { id, kind: "between", name, low: value, high: value === null ? null : (content.high ?? null) };
    if (test === "one of") return { id, kind: "one of", name, values: content.values ?? (value === null ? null : [value]) };
    if (["contains", "starts", "ends"].includes(test)) return { id, kind: "text", name, place: test, text: value };
    return { id, kind: "compare", name, operator: test, value };
  }

  /** Put something in the place of the part `id`; nothing if null. @param {string} id @param {(part: Content) => Content[]} change */
  replace(id, change) {
    /** @type {(content: Content) => boolean} */
    const within = (content) => {
      const index = (content.items ?? []).findIndex((/** @type {Content} */ item) => item.id === id);
      if (index >= 0) content.items.splice(index, 1, ...change(content.items[index]));
      return index >= 0 || [...(content.items ?? []), content.item, content.condition].some((child) => child && within(child));
    };
    within(this.root);
    this.push();
  }
}

/** The test of a condition as the menu knows it. @param {Content} content */
function testOf(content) {
  if (content.kind === "compare") return content.operator;
  return content.kind === "text" ? content.place : content.kind;
}

/** The first value of a condition. @param {Content} content @returns {string | null} */
function valueOf(content) {
  return content.value ?? content.low ?? content.text ?? content.values?.[0] ?? null;
}

/** @param {Content} content @returns {Seen} */
function seen(content) {
  return content.kind === "not"
    ? { content: content.item, negated: true, outer: content }
    : { content, negated: false, outer: content };
}

/** One view of the tree. */
class Board {
  root = make("div", "dj-builder dj-live", { "data-lm-suppress-shortcuts": "true", role: "region" });
  title = make("span", "dj-title");
  status = make("span", "dj-status", { role: "status", "aria-live": "polite" });
  refreshButton = button("Refresh", "Look the tables up and count the rows again");
  alert = make("div", "dj-alert", { role: "alert" });
  tree = make("div", "dj-tree");
  python = make("pre", "dj-code", { tabindex: "0", "aria-label": "Python", role: "region" });
  sql = make("pre", "dj-code", { tabindex: "0", "aria-label": "SQL", role: "region" });
  said = make("span", "dj-said", { role: "status", "aria-live": "polite" });
  browseButton = button("Open in browser", "Show the rows under these conditions");
  closeButton = button("Close browser");
  keepName = make("input", "dj-input dj-short", { type: "text", "aria-label": "Name of the variable", placeholder: "name", spellcheck: "false" });
  keepButton = button("Keep", "Make the query a variable of the notebook");
  rows = make("div", "dj-rows");

  /** @type {Map<string, Drawn>} what is drawn of the tree, by the ids of conditions */
  drawn = new Map();
  /** The group in which a key is being chosen, with what was found. @type {{group: string, table: string, search: string, offset: number, rows: {key: Record<string, string>, label: string}[], more: boolean} | null} */
  picking = null;
  shownBrowser = "";
  /** @type {any} */
  browser = null;

  redraw = () => this.paint();

  /** @param {Model} model @param {Tree} tree @param {HTMLElement} el */
  constructor(model, tree, el) {
    this.model = model;
    this.state = tree;
    this.build(el);
    this.state.listeners.add(this.redraw);
    this.impatience = setInterval(() => {
      this.state.lookAgain();
      this.paintStatus();
    }, 500);
    this.paint();
  }

  /** @param {HTMLElement} el */
  build(el) {
    const bar = make("div", "dj-bar");
    bar.append(this.title, this.status, this.refreshButton);
    const keep = make("span", "dj-keep");
    keep.append(make("span", "", {}, "keep as"), this.keepName, this.keepButton);
    const actions = make("div", "dj-bar dj-actions");
    actions.append(this.browseButton, this.closeButton, keep, this.said);
    this.root.append(bar, this.alert, this.tree, this.codeBox("Python", this.python, true), this.codeBox("SQL", this.sql, false), actions, this.rows);
    el.append(this.root);
    this.refreshButton.addEventListener("click", () => this.state.refresh());
    this.browseButton.addEventListener("click", () => this.state.do("browse", {}, "The browser is open"));
    this.closeButton.addEventListener("click", () => {
      this.browseButton.focus();
      this.state.do("close browser", {}, "The browser is closed");
    });
    const keepIt = () => this.state.do("keep", { name: this.keepName.value.trim() }, `Kept as ${this.keepName.value.trim()}`);
    this.keepButton.addEventListener("click", keepIt);
    this.keepName.addEventListener("keydown", (event) => {
      if (event.key === "Enter") keepIt();
    });
  }

  /** @param {string} name @param {HTMLElement} pre @param {boolean} open */
  codeBox(name, pre, open) {
    const box = make("details", "dj-code-box");
    box.open = open;
    const copy = button(`Copy ${name}`);
    copy.addEventListener("click", () => this.copy(name, pre.textContent ?? ""));
    box.append(make("summary", "", {}, name), pre, copy);
    return box;
  }

  /** @param {string} name @param {string} text */
  async copy(name, text) {
    this.state.said = "";
    try {
      await navigator.clipboard.writeText(text);
      this.state.said = `${name} copied`;
    } catch {
      this.state.said = `The page may not copy: select the ${name} text and copy it`;
    }
    this.paintStatus();
  }

  destroy() {
    this.state.listeners.delete(this.redraw);
    clearInterval(this.impatience);
    this.browser?.remove?.();
    this.root.remove();
  }

  // --- drawing
  paint() {
    const focus = this.focused();
    const drawn = this.drawn;
    this.drawn = new Map();
    this.before = drawn;
    this.title.textContent = `${this.model.get("title")}, restricted to`;
    this.root.setAttribute("aria-label", `Restriction of ${this.model.get("title")}`);
    arrange(this.tree, [this.draw(this.state.root, "", "")]);
    this.refocus(focus);
    const texts = this.model.get("texts");
    for (const [pre, text] of /** @type {[HTMLElement, string][]} */ ([[this.python, texts.python], [this.sql, texts.sql]])) {
      if (pre.textContent !== text) pre.textContent = text;
    }
    this.paintStatus();
    this.paintBrowser();
  }

  /** Where the focus is: which part, which of its controls. */
  focused() {
    const node = document.activeElement;
    if (!(node instanceof HTMLElement) || !this.tree.contains(node)) return null;
    const part = /** @type {HTMLElement | null} */ (node.closest("[data-part]"));
    return { node, part: part?.dataset.part ?? "", control: node.dataset.control ?? "" };
  }

  /** @param {{node: HTMLElement, part: string, control: string} | null} focus */
  refocus(focus) {
    if (!focus || focus.node.isConnected) return;
    const part = this.drawn.get(focus.part)?.el;
    const control = focus.control && part?.querySelector(`[data-control="${CSS.escape(focus.control)}"]`);
    const next = control || part?.querySelector("select, input, button") || this.tree.querySelector("select, input, button");
    if (next instanceof HTMLElement) next.focus();
  }

  paintStatus() {
    const total = this.model.get("total");
    const all = this.model.get("counts")[this.state.root.id];
    const whole = !this.state.root.items.length && total.text ? total : all;
    let text = whole && total.text ? (whole === total ? total.text : `${whole.text} of ${total.text}`) : "counting rows…";
    if (this.state.late) text += " · waiting for the kernel, which is busy";
    if (this.status.textContent !== text) this.status.textContent = text;
    if (this.said.textContent !== this.state.said) this.said.textContent = this.state.said;
    const { error, detail } = this.state;
    if (this.alert.dataset.error === error) return;
    this.alert.dataset.error = error;
    this.alert.hidden = !error;
    this.alert.replaceChildren();
    if (!error) return;
    const more = make("details", "");
    more.append(make("summary", "", {}, "Traceback"), make("pre", "", { tabindex: "0" }, detail));
    this.alert.append(make("span", "dj-message", {}, error), more);
  }

  async paintBrowser() {
    const id = this.model.get("browser_id");
    this.closeButton.hidden = !id;
    this.browseButton.textContent = id ? "Show these rows" : "Open in browser";
    if (id === this.shownBrowser) return;
    this.shownBrowser = id;
    this.browser?.remove?.();
    this.browser = null;
    this.rows.replaceChildren();
    if (!id) return;
    const manager = /** @type {any} */ (this.model).widget_manager;
    if (!manager?.create_view) {
      this.rows.textContent = "This front end shows no widget in another: evaluate builder.browser in a cell.";
      return;
    }
    const view = await manager.create_view(await manager.get_model(id));
    if (this.shownBrowser !== id || !this.root.isConnected) {
      view.remove();
      return;
    }
    this.browser = view;
    this.rows.append(view.el);
    view.trigger?.("displayed");
  }

  /** Draw a part, or what was drawn of it before. @param {Content} outer @param {string} table of the rows it is about @param {string} place how it can be removed */
  draw(outer, table, place) {
    const said = seen(outer);
    const { content } = said;
    const info = this.attributes(table);
    const exists = content.kind === "exists" ? this.state.learn("related", { table }) : null;
    const ways = content.kind === "exists" && content.table ? this.state.table(content.table, table) : null;
    const attribute = info?.find((known) => known.name === content.name);
    const shape = JSON.stringify([
      content.kind, content.name, content.operator, content.place, content.table, table, place, !info, !exists, !ways,
      content.kind === "between" || content.kind === "compare" ? this.inputType(attribute, valueOf(content)) : "",
      content.kind === "group" && this.picking?.group === content.id ? JSON.stringify(this.picking) : "",
    ]);
    let known = this.before?.get(content.id);
    if (!known || known.shape !== shape) {
      const make = { group: () => this.drawGroup(said, table, place), exists: () => this.drawExists(said, table), verbatim: () => this.drawWords(said) };
      const draw = make[/** @type {"group"} */ (content.kind)] ?? (() => this.drawCondition(said, table, attribute));
      known = { ...draw(), shape };
      known.el.dataset.part = content.id;
    }
    this.drawn.set(content.id, known);
    known.update(said);
    return known.el;
  }

  /** @param {string} table @returns {Attribute[] | undefined} */
  attributes(table) {
    return table ? this.state.table(table, "")?.attributes : this.model.get("attributes");
  }

  /** The end of every part: its count, what it can be made into, and why it does not hold. @param {Seen} said @param {string} what */
  tail(said, what) {
    const count = make("span", "dj-count");
    const wrap = button("Group", `Put this ${what} into a group of its own, to add alternatives`);
    wrap.dataset.control = "wrap";
    wrap.setAttribute("aria-label", `Group this ${what}`);
    const remove = button("✕", `Remove this ${what}`);
    remove.dataset.control = "remove";
    remove.setAttribute("aria-label", `Remove this ${what}`);
    const problem = make("div", "dj-problem", { role: "status" });
    let { outer } = said;
    wrap.addEventListener("click", () => {
      this.state.replace(outer.id, (part) => [{ ...this.state.group([part]), how: "or" }]);
    });
    remove.addEventListener("click", () => this.remove(outer.id));
    const update = (/** @type {Seen} */ now) => {
      outer = now.outer;
      const why = this.model.get("problems")[now.content.id] ?? "";
      const counted = this.model.get("counts")[outer.id];
      const text = why ? "" : counted?.text ?? "counting…";
      if (count.textContent !== text) count.textContent = text;
      const unfinished = why.startsWith("Not finished");
      problem.hidden = !why;
      problem.classList.toggle("dj-wrong", Boolean(why) && !unfinished);
      if (problem.textContent !== why) problem.textContent = why;
    };
    return { count, wrap, remove, problem, update };
  }

  /** @param {string} id */
  remove(id) {
    const part = this.tree.querySelector(`[data-outer="${CSS.escape(id)}"]`);
    const group = part?.parentElement?.closest("[data-part]");
    const beside = part?.nextElementSibling ?? part?.previousElementSibling;
    this.state.replace(id, () => []);
    const next = (beside?.isConnected ? beside : group?.querySelector(":scope > .dj-adders"))?.querySelector("select, input, button");
    if (next instanceof HTMLElement) next.focus();
  }

  // --- groups
  /** @param {Seen} said @param {string} table @param {string} place @returns {{el: HTMLElement, update: (seen: Seen) => void}} */
  drawGroup(said, table, place) {
    const el = make("div", "dj-group", { role: "group" });
    const bar = make("div", "dj-bar");
    const items = make("div", "dj-items");
    const adders = make("div", "dj-adders");
    const tail = this.tail(said, "group");
    const how = menu("How the conditions of this group combine", [["and", "all of"], ["or", "any of"], ["not and", "not all of"], ["not or", "none of"]], "and");
    how.dataset.control = "how";
    let now = said;
    if (place) {
      const ungroup = button("Ungroup", "Put the conditions of this group in its place");
      ungroup.dataset.control = "ungroup";
      ungroup.addEventListener("click", () => this.state.replace(now.outer.id, () => now.content.items));
      bar.append(how, tail.count, ungroup, tail.wrap, tail.remove);
      how.addEventListener("change", () => {
        const { content, outer } = now;
        content.how = how.value.endsWith("or") ? "or" : "and";
        const negated = how.value.startsWith("not");
        this.state.replace(outer.id, () => [negated ? { id: now.negated ? outer.id : this.state.id(), kind: "not", item: content } : content]);
      });
    }
    for (const [label, hint, add] of this.additions(() => now.content, table)) {
      const adder = button(label, hint);
      adder.dataset.control = label;
      adder.addEventListener("click", add);
      adders.append(adder);
    }
    const empty = make("div", "dj-empty", {}, place || !table ? "Every row" : "Any row of it");
    const picker = this.picking?.group === said.content.id ? [this.drawPicker(() => now.content, table)] : [];
    el.append(...(place ? [bar] : []), tail.problem, items, empty, adders, ...picker);
    return {
      el,
      update: (seen) => {
        now = seen;
        el.dataset.outer = seen.outer.id;
        el.setAttribute("aria-label", place ? "Group of conditions" : "Conditions that must all hold");
        how.value = (seen.negated ? "not " : "") + seen.content.how;
        empty.hidden = seen.content.items.length > 0;
        arrange(items, seen.content.items.map((/** @type {Content} */ item) => this.draw(item, table, "inside")));
        tail.update(seen);
      },
    };
  }

  /** What can be added to a group. @param {() => Content} group @param {string} table @returns {[string, string, () => void][]} */
  additions(group, table) {
    const add = (/** @type {Content} */ content) => {
      group().items.push(content);
      this.state.push();
      this.enter(content.kind === "group" ? content.items[0] : content);
    };
    const first = () => this.attributes(table)?.[0];
    /**
     * Act with the table's first attribute, at once or when the kernel has told it: no click is lost meanwhile.
     * @param {(attribute: any) => void} act
     */
    const withFirst = (act, tries = 100) => {
      const attribute = first();
      if (attribute) act(attribute);
      else if (tries) setTimeout(() => withFirst(act, tries - 1), 50);
    };
    return [
      ["+ Condition", "A condition on an attribute", () => {
        withFirst((attribute) => add(this.state.condition(attribute)));
      }],
      ["+ Related table", "That a row of another table belongs to it, or none", () => {
        add({ id: this.state.id(), kind: "exists", table: "", via: [], condition: this.state.group() });
      }],
      ["+ Key", "The key of a row of another table", () => {
        this.picking = { group: group().id, table: "", search: "", offset: 0, rows: [], more: false };
        this.paint();
        this.drawn.get(group().id)?.el.querySelector(":scope > .dj-picker select")?.dispatchEvent(new Event("focus"));
        /** @type {HTMLElement | null | undefined} */ (this.drawn.get(group().id)?.el.querySelector(":scope > .dj-picker select"))?.focus();
      }],
      ["+ Words", "A condition written by hand", () => add({ id: this.state.id(), kind: "verbatim", text: "" })],
      ["+ Group", "Alternatives", () => {
        withFirst((attribute) => add({ ...this.state.group([this.state.condition(attribute)]), how: "or" }));
      }],
    ];
  }

  /** @param {Content} content */
  enter(content) {
    const el = this.drawn.get(content.id)?.el;
    const first = el?.querySelector("select:not([aria-pressed]), input");
    if (first instanceof HTMLElement) first.focus();
  }

  // --- keys of other tables
  /** @param {() => Content} group @param {string} table */
  drawPicker(group, table) {
    const picking = /** @type {NonNullable<Board["picking"]>} */ (this.picking);
    const el = make("div", "dj-picker", { role: "group", "aria-label": "Choose a key" });
    const related = /** @type {Related | undefined} */ (this.state.learn("related", { table }));
    const choices = /** @type {[string, string][]} */ ((related?.key_tables ?? []).map((known) => [known.name, known.name]));
    const tables = menu("Table of the key", choices, picking.table);
    tables.dataset.control = "key-table";
    const search = make("input", "dj-input", { type: "search", "aria-label": "Find in the rows", placeholder: "find", "data-control": "key-search" });
    search.value = picking.search;
    const earlier = button("Earlier");
    const later = button("Later");
    earlier.dataset.control = "key-earlier";
    later.dataset.control = "key-later";
    earlier.disabled = picking.offset === 0;
    later.disabled = !picking.more;
    const cancel = button("Cancel");
    const bar = make("div", "dj-bar");
    bar.append(make("span", "", {}, "key of"), tables, search, earlier, later, cancel);
    const list = make("div", "dj-keys");
    for (const row of picking.rows) {
      const choose = button(row.label);
      choose.addEventListener("click", () => this.pick(group(), row.key));
      list.append(choose);
    }
    const none = related && !choices.length ? "No table's whole key is here." : picking.table && !picking.rows.length ? "No rows." : "";
    if (none) list.append(make("span", "dj-empty", {}, none));
    const look = (/** @type {Partial<NonNullable<Board["picking"]>>} */ change) => this.look({ ...picking, ...change }, table);
    tables.addEventListener("change", () => look({ table: tables.value, offset: 0 }));
    search.addEventListener("change", () => look({ search: search.value, offset: 0 }));
    earlier.addEventListener("click", () => look({ offset: Math.max(0, picking.offset - 20) }));
    later.addEventListener("click", () => look({ offset: picking.offset + 20 }));
    const leave = () => {
      this.picking = null;
      this.paint();
      /** @type {HTMLElement | null | undefined} */ (this.drawn.get(group().id)?.el.querySelector(":scope > .dj-adders [data-control='+ Key']"))?.focus();
    };
    cancel.addEventListener("click", leave);
    el.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leave();
    });
    el.append(bar, list);
    return el;
  }

  /** @param {NonNullable<Board["picking"]>} picking @param {string} origin */
  look(picking, origin) {
    const { table, search, offset } = picking;
    const show = (/** @type {any} */ found) => {
      if (this.picking?.group !== picking.group) return;
      this.picking = { ...picking, rows: found.rows, more: found.more };
      this.paint();
    };
    if (table) this.state.ask("keys", { origin, table, search, offset }).then(show, () => this.paint());
  }

  /** @param {Content} group @param {Record<string, string>} key */
  pick(group, key) {
    const parts = Object.entries(key).map(([name, value]) => ({ id: this.state.id(), kind: "compare", name, operator: "=", value }));
    const together = parts.length === 1 || group.how === "and" ? parts : [this.state.group(parts)];
    group.items.push(...together);
    this.picking = null;
    this.state.push();
    this.enter(parts[0]);
  }

  // --- other tables
  /** @param {Seen} said @param {string} table @returns {{el: HTMLElement, update: (seen: Seen) => void}} */
  drawExists(said, table) {
    const el = make("div", "dj-exists", { role: "group" });
    const bar = make("div", "dj-bar");
    const inner = make("div", "dj-inner");
    const tail = this.tail(said, "condition");
    let now = said;
    const related = /** @type {Related | undefined} */ (this.state.learn("related", { table }));
    const name = said.content.table;
    const has = menu("Whether such a row exists", [["", "there is a row of"], ["not", "there is no row of"]], "");
    has.dataset.control = "not";
    has.addEventListener("change", () => this.negate(now, has.value === "not"));
    const choices = /** @type {[string, string][]} */ ((related?.tables ?? []).map((known) => [known.name, known.name]));
    const tables = menu("Related table", choices, name);
    tables.dataset.control = "table";
    tables.addEventListener("change", () => {
      Object.assign(now.content, { table: tables.value, via: [], condition: this.state.group() });
      this.state.push();
    });
    bar.append(has, tables);
    const ways = name ? this.state.table(name, table)?.ways ?? [] : [];
    const way = menu("Way to that table", ways.map((known) => [known.via, known.text]), "");
    way.dataset.control = "way";
    way.addEventListener("change", () => {
      now.content.via = way.value ? [way.value] : [];
      this.state.push();
    });
    if (ways.some((known) => known.via)) bar.append(way);
    bar.append(tail.count, tail.wrap, tail.remove);
    el.append(bar, tail.problem, inner);
    return {
      el,
      update: (seen) => {
        now = seen;
        el.dataset.outer = seen.outer.id;
        el.setAttribute("aria-label", `Related table ${name}`);
        has.value = seen.negated ? "not" : "";
        const via = seen.content.via?.[0] ?? "";
        if (![...way.options].some((option) => option.value === via)) way.append(make("option", "", { value: via }, via));
        way.value = via;
        arrange(inner, name && seen.content.condition ? [this.draw(seen.content.condition, name, "")] : []);
        tail.update(seen);
      },
    };
  }

  /** @param {Seen} said @param {boolean} negated */
  negate(said, negated) {
    const { content, outer } = said;
    if (negated === said.negated) return;
    this.state.replace(outer.id, () => [negated ? { id: this.state.id(), kind: "not", item: content } : content]);
  }

  // --- conditions
  /** @param {() => Seen} now */
  notButton(now) {
    const not = button("not", "The opposite: rows for which this does not hold");
    not.classList.add("dj-not");
    not.dataset.control = "not";
    not.addEventListener("click", () => this.negate(now(), !now().negated));
    return not;
  }

  /** @param {Seen} said @returns {{el: HTMLElement, update: (seen: Seen) => void}} */
  drawWords(said) {
    const el = make("div", "dj-condition", { role: "group", "aria-label": "Condition in words" });
    const bar = make("div", "dj-bar");
    const tail = this.tail(said, "condition");
    let now = said;
    const input = make("input", "dj-input dj-words", { type: "text", "aria-label": "Condition in words", placeholder: "such as weight > 3 AND name LIKE 'm%'", spellcheck: "false", "data-control": "text" });
    this.typed(input, (value) => {
      now.content.text = value;
    });
    const not = this.notButton(() => now);
    bar.append(not, input, tail.count, tail.wrap, tail.remove);
    el.append(bar, tail.problem);
    return {
      el,
      update: (seen) => {
        now = seen;
        el.dataset.outer = seen.outer.id;
        not.setAttribute("aria-pressed", String(seen.negated));
        this.fill(input, seen.content.text ?? "");
        tail.update(seen);
        input.setAttribute("aria-invalid", String(!tail.problem.hidden));
      },
    };
  }

  /** @param {Seen} said @param {string} table @param {Attribute | undefined} attribute @returns {{el: HTMLElement, update: (seen: Seen) => void}} */
  drawCondition(said, table, attribute) {
    const el = make("div", "dj-condition", { role: "group" });
    const bar = make("div", "dj-bar");
    const tail = this.tail(said, "condition");
    let now = said;
    const known = this.attributes(table) ?? [];
    const names = menu("Attribute", known.map((each) => [each.name, each.name]), said.content.name);
    names.dataset.control = "name";
    names.title = attribute ? `${attribute.name} : ${attribute.type}${attribute.comment ? ` · ${attribute.comment}` : ""}` : "";
    names.addEventListener("change", () => {
      const next = known.find((each) => each.name === names.value);
      if (!next) return;
      const fresh = this.state.condition(next);
      this.change(now.content, { ...fresh, id: now.content.id });
    });
    const tests = menu("Test", (attribute?.tests ?? []).map((test) => [test, TESTS[test]]), testOf(said.content));
    for (const option of tests.options) option.textContent = TESTS[option.value] ?? option.value;
    tests.dataset.control = "test";
    tests.addEventListener("change", () => this.change(now.content, this.state.tested(now.content, tests.value, valueOf(now.content))));
    const values = this.drawValues(() => now.content, table, attribute);
    const not = this.notButton(() => now);
    bar.append(not, names, tests, ...values.inputs, tail.count, tail.wrap, tail.remove);
    el.append(bar, tail.problem, ...values.below);
    return {
      el,
      update: (seen) => {
        now = seen;
        el.dataset.outer = seen.outer.id;
        el.setAttribute("aria-label", `Condition on ${seen.content.name}`);
        not.setAttribute("aria-pressed", String(seen.negated));
        names.value = seen.content.name;
        tests.value = testOf(seen.content);
        values.update(seen.content);
        tail.update(seen);
        for (const input of values.inputs) input.setAttribute("aria-invalid", String(tail.problem.classList.contains("dj-wrong")));
      },
    };
  }

  /** Change a condition in its place. @param {Content} content @param {Content} next */
  change(content, next) {
    for (const field of Object.keys(content)) delete content[field];
    Object.assign(content, next);
    this.state.push();
  }

  /** @param {() => Content} now @param {string} table @param {Attribute | undefined} attribute @returns {{inputs: HTMLElement[], below: HTMLElement[], update: (content: Content) => void}} */
  drawValues(now, table, attribute) {
    const content = now();
    const single = (/** @type {string} */ field, /** @type {string} */ label) => this.valueInput(now, field, label, table, attribute);
    switch (content.kind) {
      case "compare": {
        const one = single("value", "Value");
        return { inputs: one.nodes, below: [], update: (seen) => one.update(seen.value) };
      }
      case "text": {
        const one = single("text", "Text");
        return { inputs: one.nodes, below: [], update: (seen) => one.update(seen.text) };
      }
      case "between": {
        const [low, high] = [single("low", "From"), single("high", "To")];
        const bars = this.drawBars(now, table, attribute);
        return {
          inputs: [...low.nodes, make("span", "", {}, "to"), ...high.nodes],
          below: [bars.el],
          update: (seen) => {
            low.update(seen.low);
            high.update(seen.high);
            bars.update(seen);
          },
        };
      }
      case "one of":
        return this.drawChoices(now, table, attribute);
    }
    return { inputs: [], below: [], update: () => {} };
  }

  /** Which kind of input can show a value. @param {Attribute | undefined} attribute @param {string | null} value */
  inputType(attribute, value) {
    const kind = attribute?.input ?? "text";
    const fits = { date: DATE, datetime: MOMENT }[/** @type {"date"} */ (kind)];
    if (fits) return value === null || fits.test(value) ? kind : "text";
    return kind;
  }

  /** @param {() => Content} now @param {string} field @param {string} label @param {string} table @param {Attribute | undefined} attribute @returns {{nodes: HTMLElement[], update: (value: string | null) => void}} */
  valueInput(now, field, label, table, attribute) {
    const type = field === "text" ? "text" : this.inputType(attribute, valueOf(now()));
    const set = (/** @type {string} */ value) => {
      const isText = attribute?.input === "text" && field !== "low" && field !== "high";
      now()[field] = value === "" && !isText ? null : value;
    };
    if (type === "enum" || type === "bool") {
      const labels = type === "bool" ? ["true", "false"] : attribute?.labels ?? [];
      const select = menu(label, labels.map((each) => [each, each]), now()[field] ?? "");
      select.dataset.control = field;
      select.addEventListener("change", () => {
        set(select.value);
        this.state.push();
      });
      return { nodes: [select], update: (value) => { select.value = value ?? ""; } };
    }
    const input = make("input", "dj-input", { "aria-label": label, "data-control": field, spellcheck: "false", placeholder: label.toLowerCase() });
    input.type = { date: "date", datetime: "datetime-local" }[/** @type {"date"} */ (type)] ?? "text";
    if (type === "datetime") input.step = "0.001";
    if (type === "number") input.inputMode = "decimal";
    this.typed(input, (value) => set(type === "datetime" ? value.replace("T", " ").replace(/ \d\d:\d\d$/, "$&:00") : value));
    const nodes = /** @type {HTMLElement[]} */ ([input]);
    const list = make("datalist", "", { id: `dj-${this.state.id()}` });
    if (field === "value" && input.type === "text") {
      input.setAttribute("list", list.id);
      input.addEventListener("focus", () => this.suggest(list, table, now().name));
      nodes.push(list);
    }
    return { nodes, update: (value) => this.fill(input, type === "datetime" ? (value ?? "").replace(" ", "T") : value ?? "") };
  }

  /** Offer the values that occur. @param {HTMLElement} list @param {string} table @param {string} name */
  suggest(list, table, name) {
    const summary = /** @type {Summary | undefined} */ (this.state.learn("values", { table, name }));
    if (!summary || summary.histogram || list.childElementCount) return;
    list.append(...summary.bars.map((bar) => make("option", "", { value: bar.label, label: `${bar.label} (${bar.count})` })));
  }

  /** Send what is typed after a rest, or when the input is left. @param {HTMLInputElement} input @param {(value: string) => void} set */
  typed(input, set) {
    input.addEventListener("input", () => {
      set(input.value);
      this.state.push(false);
    });
    input.addEventListener("change", () => this.state.send());
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.state.send();
    });
  }

  /** Show a value, but not over what is being typed. @param {HTMLInputElement} input @param {string} value */
  fill(input, value) {
    if (document.activeElement === input && (this.state.changed || this.state.sending || input.type !== "text")) return;
    if (input.value !== value) input.value = value;
  }

  /** A histogram: a bar sets the range, with shift or by dragging it grows. @param {() => Content} now @param {string} table @param {Attribute | undefined} attribute */
  drawBars(now, table, attribute) {
    const el = make("div", "dj-histogram", { role: "group", "aria-label": `How often values of ${attribute?.name} occur` });
    const bars = make("div", "dj-bars");
    const ends = make("div", "dj-ends");
    el.append(bars, ends);
    /** @type {Summary | undefined} */
    let summary;
    let active = 0;
    let anchor = -1;
    const choose = (/** @type {number} */ from, /** @type {number} */ to) => {
      if (!summary) return;
      const [first, last] = [Math.min(from, to), Math.max(from, to)];
      now().low = summary.bars[first].low;
      now().high = summary.bars[last].high;
      this.state.push();
    };
    bars.addEventListener("click", (event) => {
      const index = [...bars.children].indexOf(/** @type {Element} */ (event.target instanceof Element ? event.target.closest("button") : null));
      if (index < 0 || event.detail > 0) return; // a pointer has chosen already
      if (!event.shiftKey || anchor < 0) anchor = index;
      choose(anchor, index);
    });
    const under = (/** @type {PointerEvent} */ event) => {
      const found = document.elementFromPoint(event.clientX, event.clientY)?.closest("button");
      return found ? [...bars.children].indexOf(found) : -1;
    };
    let dragging = -1;
    bars.addEventListener("pointerdown", (event) => {
      const index = under(event);
      if (index < 0) return;
      if (!event.shiftKey || anchor < 0) anchor = index;
      dragging = index;
      choose(anchor, index);
    });
    bars.addEventListener("pointermove", (event) => {
      const index = under(event);
      if (dragging < 0 || !event.buttons || index < 0 || index === dragging) return;
      dragging = index;
      choose(anchor, index);
    });
    bars.addEventListener("pointerup", () => {
      dragging = -1;
    });
    bars.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -active, End: bars.children.length - 1 - active }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      active = Math.min(Math.max(0, active + step), bars.children.length - 1);
      [...bars.children].forEach((bar, index) => {
        /** @type {HTMLElement} */ (bar).tabIndex = index === active ? 0 : -1;
      });
      /** @type {HTMLElement} */ (bars.children[active]).focus();
    });
    const build = (/** @type {Summary} */ found) => {
      const most = Math.max(1, ...found.bars.map((bar) => bar.count));
      bars.replaceChildren(...found.bars.map((bar, index) => {
        const node = make("button", "dj-column", { type: "button", tabindex: index === active ? "0" : "-1", title: `${bar.label}: ${bar.count}`, "aria-label": `${bar.label}: ${bar.count} rows` });
        const fill = make("span", "dj-column-fill");
        fill.style.height = bar.count ? `${Math.max(4, (100 * bar.count) / most)}%` : "0";
        node.append(fill);
        return node;
      }));
      const notes = [found.missing ? `${found.missing} missing` : "", found.sampled ? "of the first rows" : ""].filter(Boolean).join(", ");
      ends.replaceChildren(make("span", "", {}, found.low ?? ""), make("span", "", {}, notes), make("span", "", {}, found.high ?? ""));
    };
    return {
      el,
      update: (/** @type {Content} */ content) => {
        const found = /** @type {Summary | undefined} */ (this.state.learn("values", { table, name: content.name }));
        el.hidden = !found?.histogram;
        if (!found?.histogram) return;
        if (summary !== found) build(found);
        summary = found;
        const number = attribute?.input === "number";
        const reach = (/** @type {string} */ a, /** @type {string} */ b) => (number ? Number(a) <= Number(b) : a <= b);
        found.bars.forEach((bar, index) => {
          const low = content.low === null || content.low === undefined || reach(content.low, bar.low);
          const high = content.high === null || content.high === undefined || reach(bar.high, content.high);
          const bounded = Boolean(content.low || content.high);
          bars.children[index].setAttribute("aria-pressed", String(bounded && low && high));
        });
      },
    };
  }

  /** Values to be switched on and off, those that occur most first, and an input for others. @param {() => Content} now @param {string} table @param {Attribute | undefined} attribute */
  drawChoices(now, table, attribute) {
    const choices = make("div", "dj-choices", { role: "group", "aria-label": `Values of ${attribute?.name}` });
    const other = make("input", "dj-input", { type: "text", "aria-label": "Another value", placeholder: "another value", "data-control": "other", spellcheck: "false" });
    const add = button("Add", "Add this value");
    add.dataset.control = "add";
    const closed = attribute?.input === "enum" || attribute?.input === "bool";
    const toggle = (/** @type {string} */ value, /** @type {boolean} */ on) => {
      const rest = (now().values ?? []).filter((/** @type {string} */ each) => each !== value);
      now().values = on ? [...rest, value] : rest;
      this.state.push();
    };
    const addOther = () => {
      if (!other.value) return;
      const { value } = other;
      other.value = "";
      toggle(value, true);
      other.focus();
    };
    add.addEventListener("click", addOther);
    other.addEventListener("keydown", (event) => {
      if (event.key === "Enter") addOther();
    });
    const extra = make("span", "dj-other");
    extra.append(other, add);
    /** @type {Map<string, HTMLButtonElement>} */
    const buttons = new Map();
    return {
      inputs: [],
      below: closed ? [choices] : [choices, extra],
      update: (/** @type {Content} */ content) => {
        const summary = /** @type {Summary | undefined} */ (this.state.learn("values", { table, name: content.name }));
        const found = new Map((summary?.histogram ? [] : summary?.bars ?? []).map((bar) => [bar.label, bar.count]));
        const all = [...new Set([...(attribute?.labels ?? []), ...found.keys(), ...(content.values ?? [])])];
        arrange(choices, all.map((value) => {
          let node = buttons.get(value);
          if (!node) {
            node = button("");
            node.classList.add("dj-choice");
            node.dataset.control = `value ${value}`;
            const pressed = node;
            node.addEventListener("click", () => toggle(value, pressed.getAttribute("aria-pressed") !== "true"));
            buttons.set(value, node);
          }
          const count = found.get(value);
          const text = value === "" ? "(empty)" : value;
          const label = count === undefined ? text : `${text} · ${count}`;
          if (node.textContent !== label) node.textContent = label;
          node.setAttribute("aria-pressed", String((content.values ?? []).includes(value)));
          return node;
        }));
      },
    };
  }
}

export default () => {
  /** @type {Tree | undefined} */
  let tree;
  return {
    /** @param {{model: Model}} context */
    initialize({ model }) {
      tree = new Tree(model);
      return () => tree?.destroy();
    },
    /** @param {{model: Model, el: HTMLElement}} context */
    render({ model, el }) {
      const board = new Board(model, tree ?? new Tree(model), el);
      requestAnimationFrame(() => hideTwin(model.get("twin_key"), el));
      return () => board.destroy();
    },
  };
};
