// @ts-check
// One row in full, below the table; what was not read with the rows is read on request.

class RowPanel {
  root = make("section", "dj-panel", { "aria-label": "Row", tabindex: "-1" });

  /**
   * @param {Model} model @param {Pages} pages @param {Drawing} drawing
   * @param {{columns: () => Column[], close: () => void, related: (row: number) => void}} grid
   */
  constructor(model, pages, drawing, grid) {
    this.model = model;
    this.pages = pages;
    this.drawing = drawing;
    this.grid = grid;
    this.root.hidden = true;
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") grid.close();
    });
  }

  /** @param {number} number of the row, or -1 */
  show(number) {
    const row = number >= 0 ? this.pages.row(number) : undefined;
    const shown = row === undefined ? "" : `${this.model.get("revision")}/${number}`;
    this.root.hidden = row === undefined;
    if (this.root.dataset.shown === shown) return;
    this.root.dataset.shown = shown;
    if (row !== undefined) this.root.replaceChildren(this.head(number), this.list(number, row));
  }

  /** @param {number} number */
  head(number) {
    const head = make("div", "dj-bar");
    const close = make("button", "dj-button", { type: "button", "aria-label": "Close this row" }, "Close");
    close.addEventListener("click", () => this.grid.close());
    head.append(make("span", "dj-title", {}, `Row ${spell(number + 1)}`), make("span", "dj-status"));
    if (this.model.get("selectable")) {
      const related = pushButton("Related rows");
      related.addEventListener("click", () => this.grid.related(number));
      head.append(related);
    }
    head.append(close);
    return head;
  }

  /** @param {number} number @param {Row} row */
  list(number, row) {
    const list = make("dl", "dj-list");
    this.grid.columns().forEach((column, index) => {
      const missing = row[index] === null && column.placeholder === null;
      const value = make("dd", missing ? "dj-null" : column.placeholder === null ? "" : "dj-blob");
      value.textContent = column.placeholder ?? row[index] ?? "NULL";
      const name = make("dt", column.key ? "dj-key" : "", { title: column.hint }, column.name);
      const cut = column.placeholder === null && (row[index] ?? "").endsWith("…");
      if (this.model.get("selectable") && (column.placeholder !== null || cut)) this.offer(value, number, column.name);
      list.append(name, value);
    });
    return list;
  }

  /** Let a value that is not read with the rows be read on request. @param {HTMLElement} place @param {number} row @param {string} name */
  offer(place, row, name) {
    const revision = this.model.get("revision");
    const button = pushButton("Show", `Show ${name}`);
    const read = async (/** @type {boolean} */ whatever) => {
      button.disabled = true;
      const answer = await this.pages.request("cell", { row, name, revision, whatever_size: whatever });
      this.drawing.do(`cell ${name}`, () => draw(answer));
    };
    const draw = (/** @type {{large?: string, content: Content} | null} */ answer) => {
      button.disabled = false;
      if (!answer) return;
      if (answer.large) {
        const anyway = pushButton("Read it anyway", `Read ${name} anyway`);
        anyway.addEventListener("click", () => read(true));
        place.replaceChildren(make("span", "", {}, `${answer.large} `), anyway);
        anyway.focus();
      } else {
        place.replaceChildren(contentView(answer.content));
        place.classList.remove("dj-blob");
        place.tabIndex = -1;
        place.focus();
      }
    };
    button.addEventListener("click", () => read(false));
    place.append(" ", button);
  }
}
