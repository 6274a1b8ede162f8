// @ts-check
// The tree of conditions that all views of one builder share, and its way to the kernel.

/**
 * @typedef {{id: string, kind: string, [field: string]: any}} Condition one condition, group, negation …
 * @typedef {{name: string, type: string, comment: string, key: boolean, tests: string[], input: string,
 *            labels: string[]}} Attribute
 * @typedef {{attributes: Attribute[], ways: {text: string, via: string}[]}} TableInfo
 * @typedef {{name: string, hint: string}} Named
 * @typedef {{tables: Named[], key_tables: Named[]}} RelatedTables
 * @typedef {{content: Condition, negated: boolean, outer: Condition}} Seen a condition without the negation around it
 */

const TYPING = 350; // milliseconds of rest before what is typed is counted
const LOOK_AGAIN = 2000; // milliseconds without the counts before the kernel is asked for them

/** What is being built, shared by all views of one widget. One tree is on its way to the kernel at a time. */
class Tree {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Condition} */
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
    this.drawing = new Drawing();
    this.tell = () => {
      for (const listener of this.listeners) listener();
    };
    // What the kernel tells waits until a click is over; what the reader does is drawn at once.
    this.news = () => this.drawing.do("news", this.tell);
    // What is clicked changes the tree that is drawn: another one does not come in between.
    this.renew = () =>
      this.drawing.do("tree", () => {
        if (!this.sending && !this.changed) this.root = structuredClone(this.model.get("content"));
        this.tell();
      });
    this.hear = (/** @type {any} */ message) => this.receive(message);
    this.heard = /** @type {[string, (message: any) => void][]} */ ([
      ["msg:custom", this.hear],
      ["change:revision", this.renew],
      ...["counts", "total", "problems", "texts", "kept", "browser_id", "title"].map((name) => [`change:${name}`, this.news]),
    ]);
    for (const [event, callback] of this.heard) model.on(event, callback);
  }

  destroy() {
    clearTimeout(this.typing);
    this.drawing.close();
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
    this.news();
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
        this.news();
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
      this.news();
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

  /** @param {Condition[]} items @returns {Condition} */
  group(items = []) {
    return { id: this.id(), kind: "group", how: "and", items };
  }

  /** A condition on an attribute to begin with. @param {Attribute} attribute @returns {Condition} */
  condition(attribute) {
    return this.tested({ id: this.id(), kind: "missing", name: attribute.name }, attribute.tests[0], null);
  }

  /** The condition with another test, on the same value if that makes sense. @param {Condition} content @param {string} test @param {string | null} value @returns {Condition} */
  tested(content, test, value) {
    const { id, name } = content;
    if (test === "missing") return { id, kind: "missing", name };
    if (test === "between") return { id, kind: "between", name, low: value, high: value === null ? null : (content.high ?? null) };
    if (test === "one of") return { id, kind: "one of", name, values: content.values ?? (value === null ? null : [value]) };
    if (["contains", "starts", "ends"].includes(test)) return { id, kind: "text", name, place: test, text: value };
    return { id, kind: "compare", name, operator: test, value };
  }

  /** Put something in the place of the part `id`; nothing if null. @param {string} id @param {(part: Condition) => Condition[]} change */
  replace(id, change) {
    /** @type {(content: Condition) => boolean} */
    const within = (content) => {
      const index = (content.items ?? []).findIndex((/** @type {Condition} */ item) => item.id === id);
      if (index >= 0) content.items.splice(index, 1, ...change(content.items[index]));
      return index >= 0 || [...(content.items ?? []), content.item, content.condition].some((child) => child && within(child));
    };
    within(this.root);
    this.push();
  }
}

/** The test of a condition as the menu knows it. @param {Condition} content */
function testOf(content) {
  if (content.kind === "compare") return content.operator;
  return content.kind === "text" ? content.place : content.kind;
}

/** The first value of a condition. @param {Condition} content @returns {string | null} */
function valueOf(content) {
  return content.value ?? content.low ?? content.text ?? content.values?.[0] ?? null;
}

/** @param {Condition} content @returns {Seen} */
function seen(content) {
  return content.kind === "not"
    ? { content: content.item, negated: true, outer: content }
    : { content, negated: false, outer: content };
}
