// @ts-check
// The table browser's page. Rows are drawn for what is in view and recycled; the kernel is asked for pages of rows.

const ROW_HEIGHT = 26;
const HEAD_ROWS = 1;
const MAX_BODY = 8_000_000; // pixels; browsers cut off taller elements
const DEBOUNCE = 50; // milliseconds of rest before a page is asked for while scrolling
const MIN_WIDTH = 64;
const MAX_WIDTH = 340;
const PICK_WIDTH = 30;
const MAX_PICKED = 1000; // rows selected by one stretch

/** One view of the browser: the table, the keyboard, the panel of one row. */
class Grid {
  root = make("div", "dj-browser dj-live", { "data-lm-suppress-shortcuts": "true" });
  status = make("span", "dj-status", { role: "status", "aria-live": "polite" });
  title = make("span", "dj-title");
  countButton = pushButton("Count all");
  unselectButton = pushButton("Unselect");
  refreshButton = make("button", "dj-button", { type: "button", title: "Read the rows again" }, "Refresh");
  alert = make("div", "dj-alert", { role: "alert" });
  grid = make("div", "dj-grid", { role: "grid", "aria-readonly": "true" });
  head = make("div", "dj-head", { role: "rowgroup" });
  headRow = make("div", "dj-row dj-head-row", { role: "row", "aria-rowindex": "1" });
  body = make("div", "dj-body", { role: "rowgroup" });
  empty = make("div", "dj-empty", {}, "No rows");

  /** @type {HTMLElement[]} rows on the page, recycled */
  rows = [];
  /** The active cell; row -1 is the header. */
  active = { row: -1, column: 0 };
  /** Cells before the first column: the one to select by. */
  lead = 0;
  /** Row shown in full below the table, or -1. */
  opened = -1;
  direction = 1;
  begun = false;
  /** Where we scrolled to ourselves. */
  placed = 0;
  movedAt = 0;
  /** Whether the last move came after a rest. */
  leapt = false;
  frame = 0;
  rest = 0;
  saving = 0;

  drawing = new Drawing();

  redraw = () => this.schedule();
  reorder = () => this.drawing.do("order", () => this.begin());
  refilter = () =>
    this.drawing.do("filters", () => {
      this.begin();
      this.way.paint();
      this.panels.changed();
    });
  rebuild = () => this.drawing.do("columns", () => this.renew());
  repaint = () =>
    this.drawing.do("way", () => {
      this.way.paint();
      this.schedule();
    });

  /** Other rows: the first ones are shown. */
  begin() {
    this.top = 0;
    this.opened = -1;
    this.paintOrder();
    this.schedule();
  }

  /** Other columns, perhaps of other rows. */
  renew() {
    const inside = this.grid.contains(document.activeElement);
    this.opened = -1;
    this.top = this.model.get("top_row");
    this.active = { row: -1, column: 0 };
    this.furnish();
    this.layout();
    if (inside) this.focus();
  }

  /** @param {Model} model @param {Pages} pages @param {HTMLElement} el */
  constructor(model, pages, el) {
    this.model = model;
    this.pages = pages;
    /** @type {Column[]} */
    this.columns = [];
    /** @type {HTMLElement[]} */
    this.heads = [];
    /** First row in view, with a fraction. @type {number} */
    this.top = model.get("top_row");
    this.lastPicked = -1;
    this.panels = new Panels(model, (kind, payload) => pages.request(kind, payload), this.drawing, {
      columns: () => model.get("columns"),
      selected: () => pages.selected.size,
      leave: () => this.focus(),
    });
    this.row = new RowPanel(model, pages, this.drawing, {
      columns: () => this.columns,
      close: () => this.close(),
      related: (row) => this.panels.related({ scope: "row", row }),
    });
    this.way = new Way(model, pages, { focus: () => this.focus(), filter: () => this.panels.tools.get("filter") });
    this.furnish();
    this.build(el);
    this.listen();
    this.sizes = new ResizeObserver(this.redraw);
    this.sizes.observe(this.grid);
    this.impatience = setInterval(() => this.drawing.do("status", () => this.paintStatus()), 500);
    this.layout();
  }

  /** @param {HTMLElement} el */
  build(el) {
    const bar = make("div", "dj-bar dj-head-bar");
    bar.append(this.title, this.status, this.unselectButton, this.countButton, this.panels.buttons);
    this.panels.buttons.append(this.refreshButton);
    this.head.append(this.headRow);
    this.grid.append(this.head, this.body);
    this.alert.hidden = true;
    this.root.append(bar, this.way.trail, this.way.chips, this.alert, this.panels.root, this.grid, this.empty, this.row.root);
    el.append(this.root);
  }

  /** Make heads and rows for the columns that are shown. */
  furnish() {
    const { model } = this;
    const hidden = new Set(model.get("hidden"));
    this.columns = model.get("columns").filter((/** @type {Column} */ column) => !hidden.has(column.name));
    this.lead = model.get("selectable") ? 1 : 0;
    this.heads = this.columns.map((column, index) => this.header(column, index));
    this.headRow.replaceChildren();
    if (this.lead) this.headRow.append(make("div", "dj-pick", { role: "columnheader", "aria-colindex": "1", "aria-label": "Selected" }));
    this.headRow.append(...this.heads);
    this.body.replaceChildren();
    this.rows = [];
    this.title.textContent = model.get("title");
    this.grid.setAttribute("aria-label", model.get("title"));
    this.grid.setAttribute("aria-colcount", String(this.columns.length + this.lead));
    if (this.lead) this.grid.setAttribute("aria-multiselectable", "true");
    else this.grid.removeAttribute("aria-multiselectable");
  }

  /** @param {Column} column @param {number} index */
  header(column, index) {
    const cell = make("div", "dj-cell dj-header", { role: "columnheader", "aria-colindex": String(index + 1 + this.lead) });
    cell.title = column.hint;
    if (column.kind === "number") cell.classList.add("dj-number");
    const button = make("button", "dj-sort", { type: "button", tabindex: "-1" });
    const line = make("span", "dj-name-line");
    line.append(make("span", column.key ? "dj-name dj-key" : "dj-name", {}, column.name));
    if (column.key) line.append(make("span", "dj-mark", { title: "primary key" }, "PK"));
    if (column.foreign) line.append(make("span", "dj-mark dj-mark-foreign", { title: "foreign key" }, "FK"));
    line.append(make("span", "dj-arrow", { "aria-hidden": "true" }));
    button.append(line, make("span", "dj-type", {}, column.type));
    if (!column.sortable) button.setAttribute("aria-disabled", "true");
    const filter = pushButton("⌄", `Filter ${column.name}`, "dj-open-filter");
    filter.tabIndex = -1;
    filter.addEventListener("click", (event) => {
      event.stopPropagation();
      this.panels.filter(column.name);
    });
    cell.append(button, filter);
    return cell;
  }

  listen() {
    this.pages.listeners.add(this.redraw);
    this.model.on("change:sort", this.reorder);
    this.model.on("change:columns", this.rebuild);
    this.model.on("change:hidden", this.rebuild);
    this.model.on("change:title", this.rebuild);
    this.model.on("change:filters", this.refilter);
    this.model.on("change:trail", this.repaint);
    this.grid.addEventListener("scroll", () => this.scrolled());
    this.grid.addEventListener("keydown", (event) => this.key(event));
    this.grid.addEventListener("click", (event) => this.click(event));
    this.grid.addEventListener("focusin", (event) => this.focused(event));
    this.countButton.addEventListener("click", () => this.pages.countAll());
    this.refreshButton.addEventListener("click", () => this.pages.refresh());
    this.unselectButton.addEventListener("click", () => this.pages.request("select", { how: "only", rows: [], revision: this.model.get("revision") }));
  }

  destroy() {
    this.pages.listeners.delete(this.redraw);
    this.pages.leave(this);
    this.model.off("change:sort", this.reorder);
    this.model.off("change:columns", this.rebuild);
    this.model.off("change:hidden", this.rebuild);
    this.model.off("change:title", this.rebuild);
    this.model.off("change:filters", this.refilter);
    this.model.off("change:trail", this.repaint);
    this.sizes.disconnect();
    clearInterval(this.impatience);
    clearTimeout(this.rest);
    clearTimeout(this.saving);
    cancelAnimationFrame(this.frame);
    this.drawing.close();
    this.root.remove();
  }

  // --- geometry
  layout() {
    const context = document.createElement("canvas").getContext("2d");
    /** @type {Row[]} */
    const sample = this.model.get("first_page").slice(0, 60);
    if (context) context.font = "13px sans-serif";
    const widths = this.columns.map((column, index) => {
      const marks = (column.key ? " PK__" : "") + (column.foreign ? " FK__" : "") + "  ⌄";
      const texts = [`${column.name} ${marks} ▲`, column.type, column.placeholder ?? ""];
      for (const row of sample) texts.push(row[index] ?? "NULL");
      const widest = Math.max(...texts.map((text) => (context ? context.measureText(text.slice(0, 60)).width : 8 * text.length)));
      return Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, widest + 30)));
    });
    const wide = widths.reduce((sum, width) => sum + width, 0);
    this.root.style.setProperty("--dj-width", `${wide + this.lead * PICK_WIDTH}px`);
    const pick = this.lead ? `${PICK_WIDTH}px ` : "";
    this.root.style.setProperty("--dj-columns", pick + widths.map((width) => `minmax(${width}px, ${width}fr)`).join(" "));
    this.root.style.setProperty("--dj-row-height", `${ROW_HEIGHT}px`);
    this.paintOrder();
    this.repaint();
  }

  /** Height of the rows' window in pixels. */
  get height() {
    return Math.max(ROW_HEIGHT, this.grid.clientHeight - this.head.offsetHeight);
  }

  /** Rows that fit, whole ones. */
  get fitting() {
    return Math.max(1, Math.floor(this.height / ROW_HEIGHT));
  }

  get total() {
    return this.pages.open ? this.pages.count + 1 : this.pages.count; // one more to scroll to
  }

  get bodyHeight() {
    return Math.min(MAX_BODY, this.total * ROW_HEIGHT);
  }

  get lastTop() {
    return Math.max(0, this.total - this.height / ROW_HEIGHT);
  }

  /** Pixels to scroll for a first row; beyond the tallest element, a pixel stands for several rows. @param {number} top */
  position(top) {
    const range = this.bodyHeight - this.height;
    return this.lastTop > 0 && range > 0 ? (top / this.lastTop) * range : 0;
  }

  /** Note that the view moves: what a leap leads to is wanted at once, what is passed by while scrolling is not. */
  moves() {
    const now = performance.now();
    this.leapt = now - this.movedAt > DEBOUNCE;
    this.movedAt = now;
  }

  scrolled() {
    const position = this.grid.scrollTop;
    if (Math.abs(position - this.placed) < 1) return; // our own doing
    this.moves();
    const range = this.bodyHeight - this.height;
    const top = range > 0 ? (Math.min(position, range) / range) * this.lastTop : 0;
    this.direction = top < this.top ? -1 : 1;
    this.top = top;
    this.placed = position;
    this.schedule();
  }

  /** @param {number} row */
  reveal(row) {
    const fit = this.fitting;
    if (row < this.top) this.top = row;
    else if (row > this.top + fit - 1) this.top = row - this.height / ROW_HEIGHT + 1;
    this.top = Math.min(Math.max(0, this.top), this.lastTop);
  }

  // --- drawing
  schedule() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawing.do("rows", () => this.paint());
    });
  }

  paint() {
    if (!this.root.isConnected || !this.grid.clientHeight) return;
    const total = this.total;
    this.body.style.height = `${this.bodyHeight}px`;
    this.top = Math.min(Math.max(0, this.top), this.lastTop);
    this.grid.setAttribute("aria-rowcount", this.pages.open ? "-1" : String(this.pages.count + HEAD_ROWS));
    const scroll = this.position(this.top);
    if (Math.abs(this.grid.scrollTop - scroll) >= 1) this.grid.scrollTop = scroll;
    this.placed = this.grid.scrollTop;
    const first = Math.floor(this.top);
    const count = Math.max(0, Math.min(total - first, Math.ceil(this.height / ROW_HEIGHT) + 1));
    while (this.rows.length < count) this.rows.push(this.newRow());
    this.rows.forEach((node, index) => {
      node.hidden = index >= count;
      if (index < count) {
        node.style.transform = `translateY(${this.placed + (first + index - this.top) * ROW_HEIGHT}px)`;
        this.fill(node, first + index);
      }
    });
    this.empty.hidden = total > 0 || this.pages.asked !== null;
    this.paintFocus();
    this.paintStatus();
    this.row.show(this.opened);
    clearTimeout(this.rest);
    const ask = () => this.pages.want(this, first, Math.min(total, first + count) - 1, this.direction);
    if (this.begun && !this.leapt && !this.pages.row(first)) this.rest = setTimeout(ask, DEBOUNCE);
    else ask();
    this.begun = true;
    this.save();
  }

  newRow() {
    const row = make("div", "dj-row", { role: "row" });
    if (this.lead) {
      const pick = make("div", "dj-pick", { role: "gridcell", "aria-colindex": "1" });
      pick.append(make("input", "", { type: "checkbox", tabindex: "-1" }));
      row.append(pick);
    }
    this.columns.forEach((column, index) => {
      const attributes = { role: "gridcell", "aria-colindex": String(index + 1 + this.lead), tabindex: "-1" };
      const cell = make("div", "dj-cell", attributes);
      if (column.kind === "number") cell.classList.add("dj-number");
      row.append(cell);
    });
    this.body.append(row);
    return row;
  }

  /** @param {HTMLElement} node @param {number} index */
  fill(node, index) {
    const row = this.pages.row(index);
    node.setAttribute("aria-rowindex", String(index + 1 + HEAD_ROWS));
    node.dataset.row = String(index);
    node.classList.toggle("dj-odd", index % 2 === 1);
    node.classList.toggle("dj-waiting", row === undefined);
    node.classList.toggle("dj-opened", index === this.opened);
    if (this.lead) {
      const selected = this.pages.isSelected(index);
      const box = /** @type {HTMLInputElement} */ (node.children[0].children[0]);
      node.setAttribute("aria-selected", String(selected));
      node.classList.toggle("dj-selected", selected);
      box.checked = selected;
      box.disabled = row === undefined;
      box.setAttribute("aria-label", `Select row ${spell(index + 1)}`);
    }
    this.columns.forEach((column, position) => {
      const cell = /** @type {HTMLElement} */ (node.children[position + this.lead]);
      const missing = row !== undefined && row[position] === null && column.placeholder === null;
      const text = row === undefined ? "" : column.placeholder ?? row[position] ?? "NULL";
      if (cell.textContent !== text) cell.textContent = text; // never as markup
      cell.classList.toggle("dj-null", missing);
      cell.classList.toggle("dj-blob", row !== undefined && column.placeholder !== null);
      cell.title = missing ? "missing value" : text.length > 24 ? text : "";
    });
  }

  paintOrder() {
    /** @type {SortItem[]} */
    const sort = this.model.get("sort");
    this.columns.forEach((column, index) => {
      const place = sort.findIndex((item) => item.name === column.name);
      const head = this.heads[index];
      const arrow = /** @type {HTMLElement} */ (head.querySelector(".dj-arrow"));
      if (place < 0) {
        if (column.sortable) head.setAttribute("aria-sort", "none");
        arrow.textContent = "";
      } else {
        head.setAttribute("aria-sort", sort[place].descending ? "descending" : "ascending");
        arrow.textContent = (sort[place].descending ? "▼" : "▲") + (sort.length > 1 ? String(place + 1) : "");
      }
    });
  }

  paintStatus() {
    const { pages } = this;
    const known = this.model.get("row_count");
    const exact = this.model.get("count_is_exact");
    const unknown = this.model.get("count_given_up") ? "rows not counted" : "counting rows…";
    let text = known === null ? unknown : `${exact ? "" : "more than "}${spell(known)} row${known === 1 ? "" : "s"}`;
    if (pages.counting) text = "counting all rows…";
    const late = pages.asked !== null && performance.now() - pages.asked.since > PATIENCE;
    if (late) text += " · waiting for the kernel, which is busy";
    if (pages.selected.size) text += ` · ${spell(pages.selected.size)} selected`;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.unselectButton.hidden = !pages.selected.size;
    this.countButton.hidden = exact || pages.counting || (known === null && !this.model.get("count_given_up"));
    this.grid.setAttribute("aria-busy", String(pages.asked !== null));
    if (this.alert.dataset.error !== `${pages.failed}${pages.error}`) this.paintError();
  }

  paintError() {
    const { error, detail } = this.pages;
    this.alert.dataset.error = `${this.pages.failed}${error}`;
    this.alert.hidden = !error;
    this.alert.replaceChildren();
    if (!error) return;
    const retry = pushButton(this.pages.failed ? "Try again" : "Dismiss");
    retry.addEventListener("click", () => {
      this.pages.retry();
      this.schedule();
    });
    const more = make("details", "");
    more.append(make("summary", "", {}, "Traceback"), make("pre", "", {}, detail));
    this.alert.append(make("span", "dj-message", {}, error), retry, more);
  }

  /** @param {number} row */
  open(row) {
    this.opened = row;
    this.schedule();
  }

  close() {
    const row = this.opened;
    this.opened = -1;
    if (row >= 0) {
      this.active.row = row;
      this.reveal(row);
      this.paint();
      this.focus();
    }
  }

  // --- selection
  /** Select or unselect a row; with `stretch`, all rows from the last one on. @param {number} row @param {boolean} stretch */
  pick(row, stretch) {
    if (!this.lead || row < 0 || this.pages.row(row) === undefined) return;
    const revision = this.model.get("revision");
    const how = this.pages.isSelected(row) && !stretch ? "remove" : "add";
    const from = stretch && this.lastPicked >= 0 ? this.lastPicked : row;
    const [first, last] = [Math.min(from, row), Math.min(Math.max(from, row), Math.min(from, row) + MAX_PICKED - 1)];
    this.lastPicked = row;
    const rows = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    this.pages.request("select", { how, rows, revision });
  }

  // --- keyboard and pointer
  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.altKey || event.metaKey) return;
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest(".dj-open-filter, .dj-pick")) return; // buttons and boxes have keys of their own
    const { row, column } = this.active;
    const last = this.pages.count - 1;
    const wide = this.columns.length - 1;
    const corner = event.ctrlKey;
    /** @type {Record<string, () => [number, number]>} */
    const moves = {
      ArrowUp: () => [row - 1, column],
      ArrowDown: () => [row + 1, column],
      ArrowLeft: () => [row, column - 1],
      ArrowRight: () => [row, column + 1],
      PageUp: () => [row < 0 ? row : Math.max(0, row - this.fitting), column],
      PageDown: () => [row + this.fitting, column],
      Home: () => [corner ? Math.min(0, last) : row, 0],
      End: () => [corner ? last : row, wide],
    };
    if (moves[event.key]) {
      const [toRow, toColumn] = moves[event.key]();
      this.direction = toRow < row ? -1 : 1;
      this.move(Math.min(Math.max(-1, toRow), last), Math.min(Math.max(0, toColumn), wide));
    } else if (event.key === " " && row >= 0 && this.lead) {
      this.pick(row, event.shiftKey);
    } else if (event.key === "f" && row < 0 && !event.ctrlKey) {
      this.panels.filter(this.columns[column].name);
    } else if (event.key === "Enter" || event.key === " ") {
      if (row < 0) this.toggle(column, event.shiftKey);
      else if (this.opened === row) this.opened = -1;
      else this.opened = row;
      this.schedule();
    } else if (event.key === "Escape" && this.opened >= 0) {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} row @param {number} column */
  move(row, column) {
    this.active = { row, column };
    this.moves();
    if (this.opened >= 0 && row >= 0) this.opened = row; // the panel follows
    if (row >= 0) this.reveal(row);
    this.paint();
    this.focus();
  }

  /** The element of the active cell, if its row is in view. */
  get activeNode() {
    const { row, column } = this.active;
    if (row < 0) return /** @type {HTMLElement | null} */ (this.heads[column]?.firstElementChild ?? null);
    const node = this.rows.find((candidate) => !candidate.hidden && candidate.dataset.row === String(row));
    return node ? /** @type {HTMLElement} */ (node.children[column + this.lead]) : null;
  }

  focus() {
    const node = this.activeNode;
    node?.focus({ preventScroll: true });
    if (node && this.active.row < 0) node.scrollIntoView({ block: "nearest", inline: "nearest" });
    else if (node) {
      // Sideways only: up and down is ours.
      const box = node.getBoundingClientRect();
      const frame = this.grid.getBoundingClientRect();
      if (box.left < frame.left) this.grid.scrollLeft -= frame.left - box.left;
      else if (box.right > frame.right) this.grid.scrollLeft += Math.min(box.right - frame.right, box.left - frame.left);
    }
  }

  /** One element of the grid is in the tab order: the active cell, or the grid itself while that is out of view. */
  paintFocus() {
    const node = this.activeNode;
    const inside = this.body.contains(document.activeElement);
    for (const cell of this.grid.querySelectorAll("[tabindex='0']")) if (cell !== node) cell.setAttribute("tabindex", "-1");
    this.grid.tabIndex = node ? -1 : 0;
    if (node) node.tabIndex = 0;
    if (inside && document.activeElement !== node) {
      if (node) node.focus({ preventScroll: true });
      else this.grid.focus({ preventScroll: true });
    }
  }

  /** @param {FocusEvent} event */
  focused(event) {
    const place = this.place(event.target);
    if (place) this.active = place;
  }

  /** @param {EventTarget | null} target @returns {{row: number, column: number} | null} */
  place(target) {
    const cell = target instanceof Element ? target.closest(".dj-cell") : null;
    const row = cell?.parentElement;
    if (!cell || !row) return null;
    return {
      row: row === this.headRow ? -1 : Number(row.dataset.row),
      column: [...row.children].indexOf(cell) - this.lead,
    };
  }

  /** @param {MouseEvent} event */
  click(event) {
    const pick = event.target instanceof Element ? event.target.closest(".dj-body .dj-pick") : null;
    if (pick) {
      event.preventDefault(); // the box shows what the kernel has
      this.pick(Number(pick.parentElement?.dataset.row), event.shiftKey);
      return;
    }
    const place = this.place(event.target);
    if (!place) return;
    this.active = place;
    if (place.row >= 0 && (event.ctrlKey || event.metaKey)) this.pick(place.row, event.shiftKey);
    else if (place.row < 0) this.toggle(place.column, event.shiftKey);
    else if (event.detail > 1) this.open(place.row);
    this.paintFocus();
    this.activeNode?.focus({ preventScroll: true });
  }

  /** Up, down, unordered; with shift beside the other columns, else instead of them. @param {number} index @param {boolean} add */
  toggle(index, add) {
    const column = this.columns[index];
    if (!column.sortable) return;
    /** @type {SortItem[]} */
    const sort = this.model.get("sort");
    const place = sort.findIndex((item) => item.name === column.name);
    const alone = sort.length === 1 && place === 0;
    if (!add && !alone) {
      const again = place >= 0 && !sort[place].descending;
      this.pages.order([{ name: column.name, descending: again }]);
      return;
    }
    const next = sort.map((item) => ({ ...item }));
    if (place < 0) next.push({ name: column.name, descending: false });
    else if (!next[place].descending) next[place].descending = true;
    else next.splice(place, 1);
    this.pages.order(next);
  }

  /** The model remembers where one was: a view may be taken down and built again at any time. */
  save() {
    if (Math.abs(this.model.get("top_row") - this.top) < 1) return;
    clearTimeout(this.saving);
    this.saving = setTimeout(() => {
      this.model.set("top_row", this.top);
      this.model.save_changes();
    }, 400);
  }
}

export default () => {
  /** @type {Pages | undefined} */
  let pages;
  return {
    /** @param {{model: Model}} context */
    initialize({ model }) {
      pages = new Pages(model);
    },
    /** @param {{model: Model, el: HTMLElement}} context */
    render({ model, el }) {
      const grid = new Grid(model, pages ?? new Pages(model), el);
      requestAnimationFrame(() => hideTwin(model.get("twin_key"), el));
      return () => grid.destroy();
    },
  };
};
