// @ts-check
// The rows that a browser has fetched, and the questions that are under way.

/**
 * @typedef {{name: string, descending: boolean}} SortItem
 * @typedef {(string | null)[]} Row
 * @typedef {{rows: Row[], ids: string[]}} Page
 */

const KEPT_PAGES = 30;

/** The rows that were fetched, shared by all views of one widget. One question is under way at a time. */
class Pages {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Map<number, Page>} pages by number, the last used one last */
    this.pages = new Map();
    /** @type {Set<number>} pages drawn from saved state, to be read again */
    this.saved = new Set();
    /** @type {Map<object, number[]>} what each view wants, most urgent first */
    this.wanted = new Map();
    /** @type {{id: string, page: number, since: number} | null} */
    this.asked = null;
    this.error = "";
    this.detail = "";
    this.failed = false; // the last page could not be read; ask no more until told to
    this.counting = false;
    /** @type {Map<string, (answer: any) => void>} questions under way besides pages */
    this.waiting = new Map();
    this.serial = 0;
    /** @type {Set<string>} ids of the selected rows */
    this.selected = new Set(model.get("selected"));
    this.prefix = Math.random().toString(36).slice(2);
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    this.size = model.get("page_rows");
    this.begin();
    model.on("msg:custom", (message) => this.receive(message));
    model.on("change:revision", () => this.forget());
    model.on("change:row_count", () => this.tell());
    model.on("change:count_is_exact", () => this.tell());
    model.on("change:count_given_up", () => this.tell());
    model.on("change:selected", () => {
      this.selected = new Set(model.get("selected"));
      this.tell();
    });
  }

  /** Begin with the rows that came along with the columns, if they are still those. */
  begin() {
    const { model } = this;
    if (model.get("revision") !== model.get("first_revision") || !model.get("first_page").length) return;
    this.pages.set(0, { rows: model.get("first_page"), ids: model.get("first_ids") });
    this.saved.add(0);
  }

  /** Ask something; the answer is null if it failed, which all views then show. @param {string} kind @param {object} payload @returns {Promise<any>} */
  request(kind, payload) {
    return new Promise((resolve) => {
      this.waiting.set(this.send(kind, payload), resolve);
    });
  }

  /** How many rows there are, as far as is known. */
  get count() {
    const known = this.model.get("row_count");
    let seen = 0;
    for (const [page, { rows }] of this.pages) seen = Math.max(seen, page * this.size + rows.length);
    return known === null || (!this.model.get("count_is_exact") && seen > known) ? seen : known;
  }

  /** Whether there may be rows beyond `count`. */
  get open() {
    if (this.model.get("count_is_exact")) return false;
    const last = Math.floor(Math.max(0, this.count - 1) / this.size);
    return (this.pages.get(last)?.rows.length ?? this.size) === this.size;
  }

  /** @param {number} index */
  row(index) {
    return this.pages.get(Math.floor(index / this.size))?.rows[index % this.size];
  }

  /** @param {number} index */
  id(index) {
    return this.pages.get(Math.floor(index / this.size))?.ids[index % this.size] ?? "";
  }

  /** @param {number} index */
  isSelected(index) {
    return this.selected.has(this.id(index));
  }

  /** @param {object} view @param {number} first @param {number} last @param {number} direction */
  want(view, first, last, direction) {
    const from = Math.floor(first / this.size);
    const to = Math.floor(last / this.size);
    const pages = [];
    for (let page = from; page <= to; page += 1) pages.push(page);
    pages.push(direction < 0 ? from - 1 : to + 1); // one page ahead
    const end = this.open ? this.count + 1 : this.count;
    this.wanted.set(view, pages.filter((page) => page >= 0 && page * this.size < Math.max(1, end)));
    for (const page of pages.slice(0, -1)) this.touch(page);
    this.ask();
  }

  /** @param {object} view */
  leave(view) {
    this.wanted.delete(view);
  }

  /** @param {number} page */
  touch(page) {
    const held = this.pages.get(page);
    if (held) {
      this.pages.delete(page);
      this.pages.set(page, held);
    }
  }

  ask() {
    if (this.asked || this.failed) return;
    for (const pages of [...this.wanted.values()].reverse()) {
      const page = pages.find((number) => !this.pages.has(number) || this.saved.has(number));
      if (page !== undefined) {
        const payload = { offset: page * this.size, limit: this.size, revision: this.model.get("revision") };
        this.asked = { id: this.send("page", payload), page, since: performance.now() };
        return;
      }
    }
  }

  /** @param {string} kind @param {object} payload */
  send(kind, payload) {
    this.serial += 1;
    const id = `${this.prefix}:${this.serial}`;
    this.model.send({ id, kind, payload });
    return id;
  }

  /** @param {SortItem[]} sort */
  order(sort) {
    this.send("sort", { sort });
  }

  refresh() {
    this.send("refresh", {});
  }

  countAll() {
    this.counting = true;
    this.send("count", {});
    this.tell();
  }

  retry() {
    this.error = this.detail = "";
    this.failed = false;
    this.ask();
    this.tell();
  }

  /** @param {any} message */
  receive(message) {
    if (!message || typeof message.id !== "string") return;
    const { id, kind, payload } = message;
    const mine = id === "" || id.startsWith(`${this.prefix}:`);
    if (!mine) return;
    this.waiting.get(id)?.(kind === "error" ? null : payload);
    this.waiting.delete(id);
    const current = this.asked?.id === id;
    if (kind === "error") {
      this.error = payload.message;
      this.detail = payload.traceback;
      this.counting = false;
      this.failed = current;
    } else if (kind === "page" && current && payload.revision === this.model.get("revision")) {
      this.keep(payload.offset / this.size, payload);
      this.error = this.detail = "";
    } else if (kind === "done") {
      this.counting = false;
    }
    if (current) {
      this.asked = null;
      this.ask();
    }
    this.tell();
  }

  /** @param {number} page @param {Page} held */
  keep(page, held) {
    this.saved.delete(page);
    this.pages.delete(page);
    this.pages.set(page, { rows: held.rows, ids: held.ids });
    for (const old of this.pages.keys()) {
      if (this.pages.size <= KEPT_PAGES) break;
      this.pages.delete(old);
    }
  }

  forget() {
    this.pages.clear();
    this.saved.clear();
    this.asked = null; // its answer is of the past and will be dropped
    this.failed = this.counting = false;
    this.error = this.detail = "";
    this.begin();
    this.tell();
  }

  tell() {
    for (const listener of this.listeners) listener();
  }
}
