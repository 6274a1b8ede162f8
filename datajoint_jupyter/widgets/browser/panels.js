// @ts-check
// What opens above the rows: filters with a summary of the column, columns, related tables, a file, code.

/**
 * @typedef {{name: string, type: string, kind: string, family: string, labels: string[], key: boolean, foreign: boolean,
 *            nullable: boolean, hint: string, placeholder: string | null, sortable: boolean}} Column
 * @typedef {{place: number, kind: string, name: string, title: string, count: string, empty: boolean}} Related
 * @typedef {{title: string, text: string, image: string, note: string, path: string}} Content
 * @typedef {(kind: string, payload: object) => Promise<any>} Ask
 * @typedef {{scope: string, row: number}} Scope
 */

/** @param {number} number */
const spell = (number) => number.toLocaleString("en-US");

/** @param {string} text @param {string} [label] @param {string} [className] */
function pushButton(text, label = "", className = "dj-button") {
  return make("button", className, label ? { type: "button", "aria-label": label } : { type: "button" }, text);
}

/** Let Enter in a field send its form: front ends keep that key to themselves. @param {HTMLFormElement} form @param {() => void} send */
function onSubmit(form, send) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement) || event.target.type === "checkbox") return;
    event.preventDefault();
    event.stopPropagation();
    form.requestSubmit();
  });
}

let serial = 0;

/** @template {HTMLElement} T @param {string} text @param {T} control */
function labelled(text, control) {
  serial += 1;
  control.id = `dj-control-${serial}-${Math.random().toString(36).slice(2)}`;
  const label = make("label", "dj-label", { for: control.id }, text);
  const pair = make("span", "dj-pair");
  pair.append(label, control);
  return pair;
}

/** @param {[string, string][]} options @param {string} [chosen] */
function menu(options, chosen) {
  const select = make("select", "dj-input");
  for (const [value, text] of options) select.append(make("option", "", { value }, text));
  if (chosen !== undefined) select.value = chosen;
  return select;
}

/** @param {string} text @param {boolean} checked @param {string} [value] */
function tick(text, checked, value = "") {
  const label = make("label", "dj-tick");
  const box = make("input", "", { type: "checkbox", value });
  box.checked = checked;
  label.append(box, make("span", "", {}, text));
  return { label, box };
}

/** @type {Record<string, string>} */
const RELATIONS = {
  master: "Master",
  parent: "Parents",
  origin: "Made of",
  part: "Parts",
  computed: "Computed from here",
  child: "Children",
};

/** The panels of one view and the buttons that open them; one is open at a time. */
class Panels {
  buttons = make("span", "dj-tools", { role: "group", "aria-label": "Tools" });
  root = make("section", "dj-panel dj-tool-panel");
  opened = "";
  /** Told apart from answers to what was asked before. */
  turn = 0;
  /** Looks again at the values of the column that is filtered. */
  summarise = () => {};

  /**
   * @param {Model} model @param {Ask} ask @param {Drawing} drawing
   * @param {{columns: () => Column[], selected: () => number, leave: () => void}} view
   */
  constructor(model, ask, drawing, view) {
    this.model = model;
    this.ask = ask;
    this.drawing = drawing;
    this.view = view;
    this.root.hidden = true;
    /** @type {[string, string, () => void][]} */
    const tools = [
      ["filter", "Filter", () => this.filter()],
      ["columns", "Columns", () => this.columns()],
      ["related", "Related", () => this.related({ scope: view.selected() ? "selection" : "all", row: 0 })],
      ["export", "Export", () => this.file()],
      ["code", "Code", () => this.code()],
    ];
    /** @type {Map<string, HTMLButtonElement>} */
    this.tools = new Map();
    for (const [name, text, open] of tools) {
      const button = pushButton(text);
      button.setAttribute("aria-expanded", "false");
      button.addEventListener("click", () => (this.opened === name ? this.close() : open()));
      this.tools.set(name, button);
      this.buttons.append(button);
    }
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  /** @param {string} name @param {string} title @param {(Node | string)[]} content */
  show(name, title, ...content) {
    this.turn += 1;
    this.opened = name;
    for (const [tool, button] of this.tools) button.setAttribute("aria-expanded", String(tool === name));
    const head = make("div", "dj-bar");
    const close = pushButton("Close", `Close ${title}`);
    close.addEventListener("click", () => this.close());
    head.append(make("span", "dj-title", {}, title), make("span", "dj-status"), close);
    this.root.setAttribute("aria-label", title);
    this.root.replaceChildren(head, ...content);
    this.root.hidden = false;
    return this.turn;
  }

  close() {
    const name = this.opened;
    if (!name) return;
    const inside = this.root.contains(document.activeElement);
    this.turn += 1;
    this.opened = "";
    this.root.hidden = true;
    this.root.replaceChildren();
    for (const button of this.tools.values()) button.setAttribute("aria-expanded", "false");
    if (inside) this.tools.get(name)?.focus();
  }

  /** Ask, and draw the answer if the panel is still there; a fault is shown by the view. @param {string} kind @param {object} payload @param {(answer: any) => void} draw */
  async draw(kind, payload, draw) {
    const { turn } = this;
    const answer = await this.ask(kind, payload);
    this.drawing.do(`${kind} panel`, () => {
      if (answer && turn === this.turn) draw(answer);
    });
    return answer;
  }

  // --- filter
  /** @param {string} [name] */
  filter(name) {
    const columns = this.view.columns();
    const column = columns.find((each) => each.name === name) ?? columns.find((each) => each.sortable) ?? columns[0];
    const choice = menu(columns.map((each) => [each.name, each.name]), column.name);
    const body = make("div", "dj-filter-body");
    this.show("filter", "Filter", labelled("Column", choice), body);
    choice.addEventListener("change", () => this.filterBody(choice.value, body));
    this.filterBody(column.name, body);
    choice.focus();
  }

  /** @param {string} name @param {HTMLElement} body */
  filterBody(name, body) {
    const column = this.view.columns().find((each) => each.name === name);
    if (!column) return;
    const add = (/** @type {object} */ condition) => {
      this.ask("filter", { condition });
    };
    const form = new FilterForm(column, add);
    const summary = make("div", "dj-summary-place", { "aria-live": "polite" });
    body.replaceChildren(make("div", "dj-muted", {}, column.hint), form.root, summary);
    this.summarise = () => this.summary(column, summary, add);
    this.summarise();
  }

  /** The rows are others: so are their summaries. */
  changed() {
    if (this.opened === "filter") this.summarise();
  }

  /** @param {Column} column @param {HTMLElement} place @param {(condition: object) => void} add */
  summary(column, place, add) {
    if (!column.sortable) return;
    this.turn += 1;
    place.replaceChildren(make("span", "dj-muted", {}, "looking at the values…"));
    this.draw("summary", { name: column.name }, ({ summary }) => {
      place.replaceChildren(new SummaryView(summary, add).root);
    }).then((answer) => {
      if (!answer) place.replaceChildren();
    });
  }

  // --- columns
  columns() {
    const columns = this.view.columns();
    const hidden = new Set(this.model.get("hidden"));
    const boxes = columns.map((column) => tick(column.name, !hidden.has(column.name), column.name));
    const group = make("div", "dj-ticks", { role: "group", "aria-label": "Columns shown" });
    group.append(...boxes.map(({ label }) => label));
    const send = () => {
      const names = boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
      if (names.length) this.ask("columns", { names });
    };
    group.addEventListener("change", send);
    const all = pushButton("Show all");
    all.addEventListener("click", () => {
      for (const { box } of boxes) box.checked = true;
      send();
    });
    const keys = pushButton("Only the key");
    keys.addEventListener("click", () => {
      boxes.forEach(({ box }, index) => {
        box.checked = columns[index].key;
      });
      send();
    });
    const line = make("div", "dj-bar");
    line.append(all);
    if (columns.some((column) => column.key)) line.append(keys);
    this.show("columns", "Columns", group, line);
    boxes[0]?.box.focus();
  }

  // --- related rows
  /** @param {Scope} scope */
  related(scope) {
    const count = this.view.selected();
    /** @type {[string, string][]} */
    const scopes = [["all", "all rows shown here"]];
    if (count) scopes.push(["selection", `the ${spell(count)} selected row${count === 1 ? "" : "s"}`]);
    if (scope.scope === "row") scopes.push(["row", `row ${spell(scope.row + 1)}`]);
    const choice = menu(scopes, scope.scope);
    const list = make("div", "dj-related", { "aria-live": "polite" });
    choice.addEventListener("change", () => this.related({ scope: choice.value, row: scope.row }));
    this.show("related", "Related rows", labelled("Belonging to", choice), list);
    list.append(make("span", "dj-muted", {}, "looking for related rows…"));
    const revision = this.model.get("revision");
    this.draw("related", { ...scope, revision }, ({ related }) => this.listRelated(list, related, { ...scope, revision })).then(
      (answer) => {
        if (!answer) list.replaceChildren();
      },
    );
    choice.focus();
  }

  /** @param {HTMLElement} list @param {Related[]} related @param {object} scope */
  listRelated(list, related, scope) {
    if (!related.length) list.replaceChildren(make("span", "dj-muted", {}, "No table is related to these rows."));
    else list.replaceChildren();
    let kind = "";
    let group = make("ul", "dj-plain");
    for (const item of related) {
      if (item.kind !== kind) {
        kind = item.kind;
        group = make("ul", "dj-plain");
        list.append(make("h4", "dj-group", {}, RELATIONS[kind] ?? kind), group);
      }
      const line = make("li", "");
      const button = pushButton(item.title);
      button.title = item.name;
      button.disabled = item.empty;
      button.addEventListener("click", async () => {
        const answer = await this.ask("follow", { ...scope, place: item.place, name: item.name });
        if (!answer) return;
        this.close();
        this.view.leave();
      });
      line.append(button, make("span", "dj-muted", {}, item.count));
      group.append(line);
    }
  }

  // --- file
  file() {
    const name = this.model.get("title").replace(/[^\w.-]+/g, "_").slice(0, 60) || "rows";
    const file = make("input", "dj-input dj-wide-input", { type: "text", spellcheck: "false" });
    file.value = `${name}.csv`;
    const format = menu([["csv", "CSV"], ["parquet", "Parquet"]]);
    format.addEventListener("change", () => {
      file.value = `${file.value.replace(/\.(csv|parquet)$/i, "")}.${format.value}`;
    });
    const count = this.view.selected();
    const selection = tick(`only the ${spell(count)} selected`, count > 0);
    selection.label.hidden = !count;
    const overwrite = tick("replace the file if it exists", false);
    const said = make("div", "dj-said", { role: "status" });
    const form = make("form", "dj-form");
    const write = make("button", "dj-button dj-main", { type: "submit" }, "Write");
    form.append(labelled("File", file), labelled("as", format), selection.label, overwrite.label, write);
    onSubmit(form, () => {
      said.textContent = "writing…";
      const payload = { file: file.value, selection: selection.box.checked, overwrite: overwrite.box.checked };
      this.draw("export", payload, ({ text }) => {
        said.textContent = text;
      }).then((answer) => {
        if (!answer) said.textContent = "";
      });
    });
    this.show("export", "Export", form, said);
    file.focus();
  }

  // --- code
  code() {
    const place = make("div", "dj-codes");
    this.show("code", "Code", place);
    this.draw("code", {}, ({ code, selection }) => {
      place.append(this.copyable("Python for these rows", code));
      if (selection) place.append(this.copyable("Python for the selected rows", selection));
      place.append(make("p", "dj-muted", {}, "%dj code puts this into the next cell; %dj code --selected, the selected rows."));
      place.querySelector("button")?.focus();
    });
  }

  /** @param {string} title @param {string} text */
  copyable(title, text) {
    const box = make("div", "dj-copyable");
    const head = make("div", "dj-bar");
    const said = make("span", "dj-status", { role: "status" });
    const copy = pushButton("Copy", `Copy ${title}`);
    const code = make("pre", "", { tabindex: "0" }, text);
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        said.textContent = "copied";
      } catch {
        // Where pages may not write there, the text is selected for the reader to copy.
        getSelection()?.selectAllChildren(code);
        said.textContent = "selected, press Ctrl+C";
      }
    });
    head.append(make("span", "dj-muted", {}, title), said, copy);
    box.append(head, code);
    return box;
  }
}
