// @ts-check
// The status matrix's page: rows are drawn for what is in view; a cell says on request why it is as it is.

/**
 * @typedef {{title: string, tier: string, computed: boolean}} Column
 * @typedef {{revision: number, offset: number, total: number, size: number, keys: string[][], cells: string[],
 *            texts: string[][], tally: Record<string, number>}} Page
 * @typedef {{key: string, state: string, sentence: string, command: string, traceback: string}} KeyReason
 * @typedef {{row: number, column: number, title: string, key: string, state: string, sentences: string[], left: number,
 *            keys: KeyReason[], obstacle: string, can: string[]}} Reasons
 */

const ROW_HEIGHT = 26;
const SPARE_ROWS = 4;
/** @type {Record<string, [string, string]>} */
const DEEDS = {
  run: ["Compute", "Compute in this notebook's kernel what is left, except what failed"],
  retry: ["Retry what failed", "Forget the errors and compute what is left"],
  ignore: ["Ignore", "Mark what is left as not to be computed"],
};

/** @param {number} number */
const spell = (number) => number.toLocaleString("en-US");

class Matrix {
  root = make("div", "dj-matrix dj-live", { "data-lm-suppress-shortcuts": "true" });
  status = make("span", "dj-status", { role: "status", "aria-live": "polite" });
  live = make("button", "dj-button", { type: "button", title: "Follow what changes" }, "Live");
  refresh = make("button", "dj-button", { type: "button", title: "Read everything again" }, "Refresh");
  back = make("button", "dj-button", { type: "button" }, "Previous rows");
  forth = make("button", "dj-button", { type: "button" }, "Next rows");
  chips = make("div", "dj-chips", { role: "group", "aria-label": "Show rows with" });
  doing = make("div", "dj-bar dj-doing");
  doingText = make("span", "dj-status", { role: "status", "aria-live": "polite" });
  stop = make("button", "dj-button", { type: "button", title: "Stop after the current key" }, "Stop");
  alert = make("div", "dj-alert", { role: "alert" });
  trouble = make("div", "dj-alert", { role: "alert" });
  grid = make("div", "dj-grid", { role: "grid", "aria-readonly": "true" });
  head = make("div", "dj-row dj-head", { role: "row", "aria-rowindex": "1" });
  body = make("div", "dj-body", { role: "rowgroup" });
  empty = make("div", "dj-empty", {}, "No rows");
  panel = make("section", "dj-panel", { tabindex: "-1", "aria-label": "Why" });
  child = make("div", "dj-child");

  /** Rows of the page that are shown, after the filter. @type {number[]} */
  shown = [];
  /** @type {Map<number, HTMLElement>} drawn rows by their place among those shown */
  drawn = new Map();
  /** The active cell: a place among those shown, and a column with the key's in front. */
  active = { row: 0, column: 0 };
  /** The cell whose reasons are shown. @type {{key: string, column: number} | null} */
  opened = null;
  /** First row of the page that was asked for. @type {number | null} */
  target = null;
  /** @type {(() => void) | null} */
  unmount = null;
  frame = 0;
  saving = 0;

  drawing = new Drawing();

  repaint = () => this.drawing.do("page", () => this.paint());
  redo = () => this.drawing.do("doing", () => this.paintDoing());
  schedule = () => {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  };

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.questions = new Questions(model);
    /** @type {Column[]} */
    this.columns = model.get("columns");
    /** @type {string[]} */
    this.names = model.get("names");
    /** Letter -> word, sign, meaning. @type {Record<string, [string, string, string]>} */
    this.states = model.get("states");
    this.build(el);
    this.listen();
    this.sizes = new ResizeObserver(this.schedule);
    this.sizes.observe(this.grid);
    this.paint();
    requestAnimationFrame(() => {
      this.grid.scrollTop = model.get("top_row") * ROW_HEIGHT;
    });
  }

  /** @returns {Page} */
  get page() {
    return this.model.get("page");
  }

  /** @param {HTMLElement} el */
  build(el) {
    const title = this.model.get("title");
    const bar = make("div", "dj-bar");
    bar.append(make("span", "dj-title", {}, title), this.status, this.back, this.forth, this.live, this.refresh);
    this.doing.append(this.doingText, this.stop);
    this.grid.setAttribute("aria-label", title);
    this.grid.setAttribute("aria-colcount", String(this.names.length + this.columns.length));
    const head = make("div", "dj-headgroup", { role: "rowgroup" });
    head.append(this.head);
    this.grid.append(head, this.body);
    for (const node of [this.alert, this.trouble, this.panel, this.child, this.doing]) node.hidden = true;
    this.root.append(bar, this.chips, this.doing, this.questions.late, this.trouble, this.alert, this.grid, this.empty, this.panel, this.child);
    el.append(this.root);
    this.buildHead();
  }

  buildHead() {
    const keys = this.page.keys.slice(0, 200);
    const widths = this.names.map((name, index) =>
      Math.min(240, 24 + 8 * Math.max(name.length, ...keys.map((key) => key[index].length), 3)),
    );
    let left = 0;
    this.lefts = widths.map((width) => {
      left += width;
      return left - width;
    });
    const tables = this.columns.map((column) => Math.min(220, Math.max(74, 28 + 8.8 * column.title.length)));
    this.root.style.setProperty("--dj-columns", [...widths, ...tables].map((width) => `${width}px`).join(" "));
    this.root.style.setProperty("--dj-width", `${[...widths, ...tables].reduce((a, b) => a + b, 0)}px`);
    this.names.forEach((name, index) => {
      const cell = make("div", "dj-cell dj-name dj-key", { role: "columnheader", "aria-colindex": String(index + 1) }, name);
      cell.style.left = `${this.lefts?.[index]}px`;
      this.head.append(cell);
    });
    this.columns.forEach((column, index) => {
      const attributes = {
        role: "columnheader",
        "aria-colindex": String(this.names.length + index + 1),
        title: `${column.title} (${column.tier})`,
        "data-tier": column.tier,
      };
      this.head.append(make("div", "dj-cell dj-table-name", attributes, column.title));
    });
  }

  listen() {
    const { model } = this;
    for (const name of ["page", "only", "live", "trouble"]) model.on(`change:${name}`, this.repaint);
    model.on("change:doing", this.redo);
    this.live.addEventListener("click", () => this.try("live", { on: !model.get("live") }));
    this.refresh.addEventListener("click", () => this.try("refresh"));
    this.back.addEventListener("click", () => this.turn(-1));
    this.forth.addEventListener("click", () => this.turn(1));
    this.stop.addEventListener("click", () => this.try("stop"));
    this.grid.addEventListener("scroll", () => {
      this.schedule();
      clearTimeout(this.saving);
      this.saving = setTimeout(() => {
        model.set("top_row", this.grid.scrollTop / ROW_HEIGHT);
        model.save_changes();
      }, 300);
    });
    this.grid.addEventListener("keydown", (event) => this.press(event));
    this.body.addEventListener("click", (event) => {
      const cell = event.target instanceof Element ? event.target.closest(".dj-cell") : null;
      if (!(cell instanceof HTMLElement)) return;
      this.activate(Number(cell.dataset.row), Number(cell.dataset.column));
      this.openActive();
    });
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
    try {
      return await this.questions.ask(kind, payload);
    } catch (error) {
      paintAlert(this.alert, /** @type {any} */ (error));
      return null;
    }
  }

  /** Go some pages further than where we are, or are already going. @param {number} pages */
  async turn(pages) {
    const { offset, size, total } = this.page;
    const wanted = (this.target ?? offset) + pages * size;
    if (wanted < 0 || wanted >= total) return;
    this.target = wanted;
    await this.try("page", { offset: wanted });
    if (this.target === wanted) this.target = null;
  }

  // --- painting
  paint() {
    const page = this.page;
    const only = new Set(this.model.get("only"));
    const wanted = Object.keys(this.states).filter((letter) => only.has(this.states[letter][0]));
    this.shown = page.keys.map((_, row) => row);
    if (wanted.length) {
      this.shown = this.shown.filter((row) => wanted.some((letter) => page.cells[row].includes(letter)));
    }
    const live = this.model.get("live");
    this.live.setAttribute("aria-pressed", String(live));
    this.live.textContent = live ? "● Live" : "○ Live";
    const many = page.total > page.keys.length;
    const range = `rows ${spell(page.offset + 1)}–${spell(page.offset + page.keys.length)} of ${spell(page.total)}`;
    const count = many ? range : `${spell(page.total)} row${page.total === 1 ? "" : "s"}`;
    const text = wanted.length ? `${spell(this.shown.length)} of ${count}` : count;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.back.hidden = this.forth.hidden = page.total <= page.size;
    this.back.disabled = page.offset === 0;
    this.forth.disabled = page.offset + page.keys.length >= page.total;
    this.grid.setAttribute("aria-rowcount", String(this.shown.length + 1));
    this.empty.hidden = this.shown.length > 0;
    this.active.row = Math.max(0, Math.min(this.active.row, this.shown.length - 1));
    this.body.style.height = `${this.shown.length * ROW_HEIGHT}px`;
    const trouble = this.model.get("trouble");
    this.trouble.hidden = !trouble;
    if (trouble) this.trouble.replaceChildren(make("span", "dj-message", {}, `The status cannot be read: ${trouble}`));
    this.paintChips(page, only);
    this.paintDoing();
    this.draw();
    this.followOpened();
  }

  /** @param {Page} page @param {Set<string>} only */
  paintChips(page, only) {
    const focused = this.chips.contains(document.activeElement) ? document.activeElement : null;
    const state = focused instanceof HTMLElement ? focused.dataset.state : "";
    const letters = Object.keys(this.states).filter((letter) => page.tally[letter] || only.has(this.states[letter][0]));
    this.chips.replaceChildren(
      ...letters.map((letter) => {
        const [word, sign, meaning] = this.states[letter];
        const chip = make("button", "dj-chip", {
          type: "button",
          "aria-pressed": String(only.has(word)),
          "data-state": word,
          title: `${word}: ${meaning}. Click to show only rows that have such a cell.`,
        });
        const mark = make("span", "dj-mark", { "aria-hidden": "true", "data-state": word }, sign);
        chip.append(mark, ` ${spell(page.tally[letter] ?? 0)} ${word}`);
        chip.addEventListener("click", () => this.choose(word));
        return chip;
      }),
    );
    if (state) {
      const again = this.chips.querySelector(`[data-state="${CSS.escape(state)}"]`);
      if (again instanceof HTMLElement) again.focus();
    }
  }

  /** @param {string} word */
  choose(word) {
    const only = new Set(this.model.get("only"));
    if (!only.delete(word)) only.add(word);
    this.model.set("only", [...only]);
    this.model.save_changes();
    this.grid.scrollTop = 0;
  }

  paintDoing() {
    const { text, busy } = this.model.get("doing");
    this.doing.hidden = !text;
    this.stop.hidden = !busy;
    if (this.doingText.textContent !== text) this.doingText.textContent = text;
  }

  draw() {
    const height = this.grid.clientHeight || 400;
    const first = Math.max(0, Math.floor(this.grid.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    const last = Math.min(this.shown.length, Math.ceil((this.grid.scrollTop + height) / ROW_HEIGHT) + SPARE_ROWS);
    for (const [place, node] of this.drawn) {
      if (place >= first && place < last) continue;
      node.remove();
      this.drawn.delete(place);
    }
    for (let place = first; place < last; place += 1) {
      let node = this.drawn.get(place);
      if (!node) {
        node = this.row(place);
        this.drawn.set(place, node);
        this.body.append(node);
      }
      this.fill(node, place);
    }
  }

  /** @param {number} place */
  row(place) {
    const node = make("div", "dj-row", { role: "row", "aria-rowindex": String(place + 2) });
    node.style.top = `${place * ROW_HEIGHT}px`;
    const count = this.names.length + this.columns.length;
    for (let column = 0; column < count; column += 1) {
      const name = column < this.names.length;
      const attributes = { role: name ? "rowheader" : "gridcell", "aria-colindex": String(column + 1), tabindex: "-1" };
      const cell = make("div", name ? "dj-cell dj-name" : "dj-cell dj-state", attributes);
      cell.dataset.row = String(place);
      cell.dataset.column = String(column);
      if (name) cell.style.left = `${this.lefts?.[column]}px`;
      else cell.append(make("span", "dj-mark", { "aria-hidden": "true" }), make("span", "dj-count", { "aria-hidden": "true" }));
      node.append(cell);
    }
    return node;
  }

  /** @param {HTMLElement} node @param {number} place */
  fill(node, place) {
    const page = this.page;
    const row = this.shown[place];
    const key = page.keys[row];
    node.classList.toggle("dj-odd", place % 2 === 1);
    [...node.children].forEach((cell, column) => {
      if (!(cell instanceof HTMLElement)) return;
      cell.tabIndex = place === this.active.row && column === this.active.column ? 0 : -1;
      if (column < this.names.length) {
        if (cell.textContent !== key[column]) cell.textContent = cell.title = key[column];
        return;
      }
      const table = column - this.names.length;
      const [word, sign] = this.states[page.cells[row][table]];
      const text = page.texts[row][table];
      const open = this.opened !== null && this.opened.column === table && this.opened.key === key.join("\n");
      cell.classList.toggle("dj-opened", open);
      if (cell.dataset.state === word && cell.dataset.text === text && cell.dataset.key === String(row)) return;
      cell.dataset.state = word;
      cell.dataset.text = text;
      cell.dataset.key = String(row);
      cell.title = `${this.columns[table].title}: ${word}${text ? `, ${text} keys` : ""}`;
      cell.setAttribute("aria-label", `${this.columns[table].title}: ${word}${text ? `, ${text}` : ""}`);
      const [mark, count] = /** @type {HTMLElement[]} */ ([...cell.children]);
      mark.textContent = sign;
      mark.dataset.state = word;
      count.textContent = text;
    });
  }

  // --- moving
  /** @param {number} row @param {number} column @param {boolean} [focus] */
  activate(row, column, focus = true) {
    this.active = {
      row: Math.max(0, Math.min(row, this.shown.length - 1)),
      column: Math.max(0, Math.min(column, this.names.length + this.columns.length - 1)),
    };
    const top = this.active.row * ROW_HEIGHT;
    const view = this.grid.clientHeight - ROW_HEIGHT;
    if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    else if (top + ROW_HEIGHT > this.grid.scrollTop + view) this.grid.scrollTop = top + ROW_HEIGHT - view + 8;
    this.draw();
    const cell = this.drawn.get(this.active.row)?.children[this.active.column];
    if (focus && cell instanceof HTMLElement) cell.focus({ preventScroll: this.active.column < this.names.length });
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { row, column } = this.active;
    const far = event.ctrlKey || event.metaKey;
    const page = Math.max(1, Math.floor(this.grid.clientHeight / ROW_HEIGHT) - 2);
    /** @type {Record<string, [number, number]>} */
    const moves = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      PageUp: [row - page, column],
      PageDown: [row + page, column],
      Home: [far ? 0 : row, 0],
      End: [far ? this.shown.length - 1 : row, Infinity],
    };
    if (event.key === "Enter" || event.key === " ") this.openActive();
    else if (event.key === "Escape") this.shut();
    else if (moves[event.key]) this.activate(...moves[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // --- reasons
  openActive() {
    const column = this.active.column - this.names.length;
    if (column >= 0 && this.shown.length) this.open(this.shown[this.active.row], column);
  }

  /** @param {number} row @param {number} column @param {boolean} [again] */
  async open(row, column, again = false) {
    const page = this.page;
    const key = page.keys[row].join("\n");
    if (!again) this.opened = { key, column };
    this.draw();
    const reasons = await this.try("why", { row, column, revision: page.revision }, !again);
    this.drawing.do("reasons", () => {
      if (reasons && this.opened?.key === key && this.opened.column === column) this.paintPanel(reasons, !again);
    });
  }

  /** Ask again about the open cell when its row has moved or changed. */
  followOpened() {
    if (!this.opened || this.panel.hidden) return;
    const { key, column } = this.opened;
    const row = this.page.keys.findIndex((values) => values.join("\n") === key);
    if (row < 0) this.shut(false);
    else if (this.panel.dataset.revision !== String(this.page.revision)) this.open(row, column, true);
  }

  /** @param {Reasons} reasons @param {boolean} focus */
  paintPanel(reasons, focus) {
    const { row, column } = reasons;
    const unfolded = new Set([...this.panel.querySelectorAll("details[open]")].map((node) => node.getAttribute("data-key")));
    const within = this.panel.contains(document.activeElement);
    const held = document.activeElement?.getAttribute("data-deed");
    this.panel.dataset.revision = String(this.page.revision);
    const letter = Object.keys(this.states).find((one) => this.states[one][0] === reasons.state) ?? "d";
    const heading = make("div", "dj-bar");
    heading.append(
      make("span", "dj-mark", { "aria-hidden": "true", "data-state": reasons.state }, this.states[letter][1]),
      make("span", "dj-title", {}, `${reasons.title}: ${reasons.state}`),
      make("code", "dj-status", {}, reasons.key),
    );
    const close = make("button", "dj-button", { type: "button", "data-deed": "close" }, "Close");
    close.addEventListener("click", () => this.shut());
    heading.append(close);
    const list = make("ul", "dj-reasons");
    list.append(...reasons.keys.map((one) => this.reason(one, unfolded)));
    const more = reasons.left - reasons.keys.length;
    if (more > 0 && reasons.keys.length) list.append(make("li", "dj-status", {}, `and ${spell(more)} more`));
    const sentences = reasons.sentences.map((sentence) => make("p", "dj-sentence", {}, sentence));
    const deeds = make("div", "dj-bar");
    for (const deed of reasons.can) {
      const [label, title] = DEEDS[deed];
      const button = make("button", "dj-button", { type: "button", title, "data-deed": deed }, label);
      button.addEventListener("click", () => this.act(button, row, column, deed));
      deeds.append(button);
    }
    const browse = make("button", "dj-button", { type: "button", "data-deed": "browse" }, "Browse rows");
    browse.addEventListener("click", () => this.browse(row, column));
    deeds.append(browse);
    this.panel.setAttribute("aria-label", `${reasons.title} of ${reasons.key}`);
    this.panel.replaceChildren(heading, ...sentences, list);
    if (reasons.obstacle && this.columns[column].computed) this.panel.append(make("p", "dj-sentence dj-muted", {}, reasons.obstacle));
    this.panel.append(deeds);
    this.panel.hidden = false;
    if (focus) this.panel.focus({ preventScroll: false });
    else if (within) {
      const again = held ? this.panel.querySelector(`[data-deed="${CSS.escape(held)}"]`) : null;
      (again instanceof HTMLElement ? again : this.panel).focus();
    }
  }

  /** @param {KeyReason} one @param {Set<string | null>} unfolded */
  reason(one, unfolded) {
    const item = make("li", "dj-reason");
    item.append(make("span", "dj-sentence", {}, one.sentence));
    const copy = make("button", "dj-button dj-small", { type: "button", title: `Copy ${one.key}` }, "Copy key");
    copy.addEventListener("click", () => copyText(one.key).then(() => this.say(copy)));
    item.append(" ", copy);
    if (one.command) {
      const command = make("button", "dj-button dj-small dj-code", { type: "button", title: "Copy this command" }, one.command);
      command.addEventListener("click", () => copyText(one.command).then(() => this.say(command)));
      item.append(" ", command);
    }
    if (one.traceback) {
      const details = make("details", "", { "data-key": one.key });
      details.open = unfolded.has(one.key);
      details.append(make("summary", "", {}, "Traceback"), make("pre", "", { tabindex: "0" }, one.traceback));
      item.append(details);
    }
    return item;
  }

  /** Tell for a moment that something was copied. @param {HTMLElement} button */
  say(button) {
    const text = button.textContent ?? "";
    button.textContent = "Copied";
    setTimeout(() => {
      button.textContent = text;
    }, 1200);
  }

  /** @param {HTMLButtonElement} button @param {number} row @param {number} column @param {string} deed */
  async act(button, row, column, deed) {
    button.disabled = true;
    await this.try("do", { row, column, revision: this.page.revision, deed });
    button.disabled = false;
  }

  /** @param {number} row @param {number} column */
  async browse(row, column) {
    const answer = await this.try("browse", { row, column, revision: this.page.revision });
    if (!answer) return;
    try {
      this.unmount?.();
      this.unmount = await mountChild(this.model, answer.model, this.child);
      this.child.hidden = false;
    } catch (error) {
      paintAlert(this.alert, { message: `The rows cannot be shown here: ${error}` });
    }
  }

  /** Close the reasons. @param {boolean} [focus] */
  shut(focus = true) {
    this.opened = null;
    this.panel.hidden = true;
    this.child.hidden = true;
    this.unmount?.();
    this.unmount = null;
    this.draw();
    if (focus) this.activate(this.active.row, this.active.column);
  }

  destroy() {
    for (const name of ["page", "only", "live", "trouble"]) this.model.off(`change:${name}`, this.repaint);
    this.model.off("change:doing", this.redo);
    this.questions.close();
    this.drawing.close();
    this.sizes.disconnect();
    this.unmount?.();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.saving);
    this.root.remove();
  }
}

export default {
  /** @param {{model: Model, el: HTMLElement}} context */
  render({ model, el }) {
    const view = new Matrix(model, el);
    requestAnimationFrame(() => hideTwin(model.get("twin_key"), el));
    return () => view.destroy();
  },
};
