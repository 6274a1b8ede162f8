// @ts-check
// The entry form's page. What was typed is sent as texts; the kernel judges it, writes the code and inserts.

/**
 * @typedef {{name: string, type: string, comment: string, unit: string, input: string, labels: string[], in_key: boolean,
 *            required: boolean, otherwise: string, form: string, empty_is_value: boolean, foreign: boolean}} Field
 * @typedef {{parent: string, attributes: string[], index: number}} Reference
 * @typedef {{name: string, table: string, comment: string, fields: Field[], references: Reference[]}} Sheet
 * @typedef {{part: string, row: number, name: string, message: string}} Problem
 * @typedef {Record<string, string | null>} Texts
 * @typedef {{values: Texts, parts: Record<string, Texts[]>, by?: string}} Entry
 */

const REST = 300; // milliseconds without a key press before the kernel judges
const PAGE = 50; // pasted rows in view

/** @param {number} number */
const spell = (number) => number.toLocaleString("en-US");

/** @param {string} label @param {() => void} act @param {string} [title] */
function button(label, act, title = "") {
  const node = make("button", "dj-button", { type: "button", ...(title ? { title, "aria-label": title } : {}) }, label);
  node.addEventListener("click", act);
  return node;
}

/**
 * The element in which a value is typed or chosen; `read` gives null for no value.
 * @param {Field} field @param {boolean} inGrid
 */
function editor(field, inGrid) {
  if (field.input === "choice") {
    const select = make("select", "dj-input");
    select.append(make("option", "", { value: "" }, field.required ? "choose…" : `– ${field.otherwise} –`));
    field.labels.forEach((label, index) => select.append(make("option", "", { value: String(index) }, label || "(empty)")));
    // A label that is none of them would be lost in a menu.
    const wrong = make("option", "", { value: "wrong" });
    return {
      node: select,
      read: () => (select.value === "" ? null : select.value === "wrong" ? wrong.textContent : field.labels[Number(select.value)]),
      write: (/** @type {string | null} */ text) => {
        const index = text === null ? -1 : field.labels.indexOf(text);
        wrong.remove();
        if (text !== null && index < 0) {
          wrong.textContent = text;
          select.append(wrong);
          select.value = "wrong";
        } else select.value = index < 0 ? "" : String(index);
      },
    };
  }
  const long = !inGrid && ["lines", "json", "literal"].includes(field.input);
  const node = long ? make("textarea", "dj-input", { rows: "2" }) : make("input", "dj-input", { type: "text" });
  node.spellcheck = field.input === "lines";
  if (["json", "literal", "path"].includes(field.input)) node.classList.add("dj-code");
  if (field.input === "number") node.setAttribute("inputmode", "decimal");
  node.placeholder = field.otherwise || field.form;
  const write = (/** @type {string | null} */ text) => {
    // A picker shows whole dates only; anything else that was typed or pasted must be seen as it is.
    if (field.input === "date" && node instanceof HTMLInputElement) {
      node.type = !text || /^\d{4}-\d\d-\d\d$/.test(text) ? "date" : "text";
    }
    if (node.value !== (text ?? "")) node.value = text ?? "";
  };
  write(null);
  return { node, read: () => node.value || (field.empty_is_value && !inGrid ? "" : null), write };
}

/** Questions to the kernel and their answers. */
class Link {
  /** @type {Map<string, {done: (kind: string, payload: any) => void, since: number}>} */
  waiting = new Map();
  prefix = Math.random().toString(36).slice(2);
  serial = 0;

  /** @param {any} message */
  receive = (message) => {
    const asked = this.waiting.get(message?.id);
    if (!asked) return;
    this.waiting.delete(message.id);
    asked.done(message.kind, message.payload);
  };

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    model.on("msg:custom", this.receive);
  }

  /** @param {string} kind @param {object} payload @param {(kind: string, payload: any) => void} done */
  ask(kind, payload, done) {
    this.serial += 1;
    const id = `${this.prefix}:${this.serial}`;
    this.waiting.set(id, { done, since: performance.now() });
    this.model.send({ id, kind, payload });
  }

  get late() {
    return [...this.waiting.values()].some((asked) => performance.now() - asked.since > PATIENCE);
  }

  close() {
    this.model.off("msg:custom", this.receive);
    this.waiting.clear();
  }
}

/** Code with a button that copies it. */
class Code {
  root = make("details", "dj-code-box");
  pre = make("pre", "", { tabindex: "0", role: "region", "aria-label": "Python that inserts the same" });
  said = make("span", "dj-status", { role: "status" });

  constructor() {
    const line = make("div", "dj-bar");
    line.append(button("Copy", () => this.copy(), "Copy the Python code"), this.said);
    this.root.append(make("summary", "", {}, "Python that does the same"), line, this.pre);
    this.root.open = true;
  }

  /** @param {string} text */
  show(text) {
    if (this.pre.textContent !== text) this.said.textContent = "";
    this.pre.textContent = text;
    this.root.hidden = !text;
  }

  async copy() {
    const text = this.pre.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Pages without a secure origin have no clipboard of that kind.
      getSelection()?.selectAllChildren(this.pre);
      document.execCommand("copy");
    }
    this.said.textContent = "copied";
  }
}

/** Rows of a parent, searched and paged by the kernel; choosing one fills the attributes of a foreign key. */
class Chooser {
  root = make("div", "dj-chooser", { role: "group" });
  search = make("input", "dj-input", { type: "search", placeholder: "search" });
  body = make("div", "dj-choices");
  status = make("span", "dj-status", { role: "status", "aria-live": "polite" });
  offset = 0;
  serial = 0;
  timer = 0;

  /** @param {Link} link @param {string} part @param {Reference} reference @param {(values: Texts) => void} chosen @param {() => void} closed */
  constructor(link, part, reference, chosen, closed) {
    this.link = link;
    this.part = part;
    this.reference = reference;
    this.chosen = chosen;
    this.root.setAttribute("aria-label", `Rows of ${reference.parent}`);
    this.search.setAttribute("aria-label", `Search the rows of ${reference.parent}`);
    this.before = button("Previous", () => this.turn(-1), "Previous rows");
    this.next = button("Next", () => this.turn(1), "Next rows");
    const bar = make("div", "dj-bar");
    bar.append(this.search, this.status, this.before, this.next, button("Close", closed));
    this.root.append(bar, this.body);
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.read(0), REST);
    });
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") closed();
    });
    this.size = 0;
    this.read(0);
  }

  /** @param {number} direction */
  turn(direction) {
    this.read(Math.max(0, this.offset + direction * Math.max(1, this.size)));
  }

  /** @param {number} offset */
  read(offset) {
    this.serial += 1;
    const serial = this.serial;
    const payload = { part: this.part, reference: this.reference.index, search: this.search.value.slice(0, 200), offset };
    this.link.ask("parents", payload, (kind, answer) => {
      if (serial !== this.serial) return;
      if (kind === "error") this.status.textContent = answer.message;
      else this.paint(answer);
    });
  }

  /** @param {{columns: string[], rows: (string | null)[][], values: Texts[], offset: number, more: boolean}} page */
  paint(page) {
    this.offset = page.offset;
    if (page.more || !this.size) this.size = page.rows.length;
    const head = make("tr", "");
    head.append(...page.columns.map((name) => make("th", "", { scope: "col" }, name)));
    const rows = page.rows.map((row, index) => {
      const line = make("tr", "");
      row.forEach((text, column) => {
        const cell = make("td", text === null ? "dj-null" : "");
        const shown = text ?? "NULL";
        if (column === 0) {
          const name = page.columns.map((title, place) => `${title} ${row[place] ?? "missing"}`).join(", ");
          const choose = button(shown || "(empty)", () => this.chosen(page.values[index]), `Choose ${name}`);
          choose.classList.add("dj-choice");
          cell.append(choose);
        } else cell.textContent = shown; // never as markup
        line.append(cell);
      });
      line.addEventListener("dblclick", () => this.chosen(page.values[index]));
      return line;
    });
    const table = make("table", "dj-table");
    const top = make("thead", "");
    const body = make("tbody", "");
    top.append(head);
    body.append(...rows);
    table.append(top, body);
    this.body.replaceChildren(table);
    this.status.textContent = rows.length
      ? `rows ${spell(page.offset + 1)} to ${spell(page.offset + rows.length)}${page.more ? "" : ", the last"}`
      : "no row found";
    this.before.disabled = page.offset === 0;
    this.next.disabled = !page.more;
  }
}

/** One view of the form. */
class Form {
  root = make("section", "dj-form dj-live", { "data-lm-suppress-shortcuts": "true" });
  status = make("span", "dj-status", { role: "status", "aria-live": "polite" });
  alert = make("div", "dj-alert", { role: "alert" });
  code = new Code();
  pastedCode = new Code();
  /** @type {Entry} */
  entry = { values: {}, parts: {} };
  /** @type {Problem[]} */
  problems = [];
  /** @type {Set<string>} places whose problems are shown */
  touched = new Set();
  showAll = false;
  checks = 0;
  timer = 0;
  drawing = new Drawing();
  busy = false;
  /** @type {Map<string, {field: Field, box: HTMLElement, input: ReturnType<typeof editor>, fault: HTMLElement, clear: HTMLElement}>} */
  inputs = new Map();
  /** @type {Map<string, {sheet: Sheet, body: HTMLElement}>} */
  grids = new Map();
  /** @type {(() => void) | null} */
  closeChooser = null;
  page = { offset: 0, rows: /** @type {(string | null)[][]} */ ([]), problems: /** @type {Problem[]} */ ([]) };
  /** What the pasted rows that are drawn look like, and how their cells are written. */
  shape = "";
  /** @type {WeakMap<Element, ReturnType<typeof editor>>} */
  editors = new WeakMap();
  /** Number of the last question whose answer is a page of pasted rows, and whether that answer is awaited. */
  turns = 0;
  turning = false;

  fromModel = () => {
    const entry = this.model.get("entry");
    if (entry.by === this.link.prefix) return; // our own words; more may have been typed since
    this.take(entry);
    this.check("judge");
  };

  say = () => this.paintStatus();
  show = () => this.paintMode();
  reread = () => {
    // What is being answered knows of this change, or causes it.
    if (!this.turning) this.readRows(this.page.offset);
  };

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.link = new Link(model);
    /** @type {Sheet & {parts: Sheet[]}} */
    this.spec = model.get("spec");
    this.id = `dj-form-${Math.random().toString(36).slice(2)}`; // each widget has a module of its own, and ids are the page's
    this.root.setAttribute("aria-label", `Insert into ${this.spec.table}`);
    this.insertButton = button("Insert", () => this.insert());
    this.insertButton.classList.add("dj-primary");
    this.insertAllButton = button("Insert all rows", () => this.insertAll());
    this.insertAllButton.classList.add("dj-primary");
    this.build();
    this.take(model.get("entry"));
    model.on("change:entry", this.fromModel);
    model.on("change:said", this.say);
    model.on("change:mode", this.show);
    model.on("change:revision", this.reread);
    this.ticking = setInterval(this.say, 500);
    el.append(this.root);
    this.paintMode();
    this.check("judge");
    this.reread();
  }

  destroy() {
    this.model.off("change:entry", this.fromModel);
    this.model.off("change:said", this.say);
    this.model.off("change:mode", this.show);
    this.model.off("change:revision", this.reread);
    clearInterval(this.ticking);
    clearTimeout(this.timer);
    this.link.close();
    this.drawing.close();
    this.root.remove();
  }

  // --- what there is
  build() {
    const bar = make("div", "dj-bar");
    bar.append(make("span", "dj-title", {}, `Insert into ${this.spec.table}`), this.status);
    const tabs = make("div", "dj-tabs", { role: "tablist", "aria-label": "Ways to enter rows" });
    this.tabs = new Map();
    for (const [mode, label] of [["one", "One row"], ["many", "From a spreadsheet"]]) {
      const tab = make("button", "dj-tab", { type: "button", role: "tab", id: `${this.id}-tab-${mode}`, "aria-controls": `${this.id}-${mode}` }, label);
      tab.addEventListener("click", () => this.choose(mode));
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        this.choose(mode === "one" ? "many" : "one");
        this.tabs?.get(this.model.get("mode"))?.focus();
      });
      tabs.append(tab);
      this.tabs.set(mode, tab);
    }
    this.alert.hidden = true;
    this.one = this.panel("one");
    this.many = this.panel("many");
    this.buildOne();
    this.buildMany();
    const comment = make("p", "dj-comment", {}, this.spec.comment);
    comment.hidden = !this.spec.comment;
    this.root.append(bar, comment, tabs, this.alert, this.one, this.many);
  }

  /** @param {string} mode */
  panel(mode) {
    return make("div", "dj-pane", { role: "tabpanel", id: `${this.id}-${mode}`, "aria-labelledby": `${this.id}-tab-${mode}` });
  }

  buildOne() {
    const pane = /** @type {HTMLElement} */ (this.one);
    const list = make("div", "dj-fields");
    const placed = new Set();
    for (const field of this.spec.fields) {
      if (placed.has(field.name)) continue;
      const references = this.spec.references.filter((reference) => reference.attributes.includes(field.name));
      if (!references.length) {
        list.append(this.fieldBox(field));
        placed.add(field.name);
      }
      for (const reference of references) {
        const own = this.spec.fields.filter((f) => reference.attributes.includes(f.name) && !placed.has(f.name));
        if (!own.length && reference.attributes[0] !== field.name) continue;
        for (const f of own) placed.add(f.name);
        list.append(this.referenceBox(reference, own));
      }
    }
    pane.append(list, ...this.spec.parts.map((part) => this.partBox(part)));
    const bar = make("div", "dj-bar dj-actions");
    bar.append(this.insertButton, button("Clear", () => this.clear(), "Clear the form"));
    pane.append(bar, this.code.root);
    pane.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation(); // the cell must not run again
        this.insert();
      }
    });
  }

  /** @param {Field} field */
  fieldBox(field) {
    const box = make("div", "dj-field");
    const id = `${this.id}-${this.inputs.size}`;
    const label = make("label", field.in_key ? "dj-key" : "", { for: id }, field.name);
    const input = editor(field, false);
    const fault = make("div", "dj-fault", { id: `${id}-fault` });
    const hint = make("div", "dj-hint", { id: `${id}-hint` });
    hint.append(make("span", "dj-type", {}, field.type));
    if (field.required) hint.append(" ", make("span", "dj-required", {}, "required"));
    if (field.comment) hint.append(" ", make("span", "", {}, field.comment));
    if (field.form && field.otherwise) hint.append(" ", make("span", "", {}, field.form));
    input.node.id = id;
    input.node.setAttribute("aria-describedby", `${id}-hint ${id}-fault`);
    if (field.required) input.node.setAttribute("aria-required", "true");
    const clear = button("×", () => this.type(field, null), `Leave ${field.name} out`);
    clear.classList.add("dj-clear");
    const line = make("div", "dj-line");
    line.append(input.node);
    if (field.unit) line.append(make("span", "dj-unit", {}, field.unit));
    if (field.input === "moment") line.append(button("Now", () => this.type(field, now()), `Set ${field.name} to now`));
    line.append(clear);
    box.append(label, line, hint, fault);
    this.inputs.set(field.name, { field, box, input, fault, clear });
    const changed = () => this.typed(field, input.read());
    input.node.addEventListener("input", changed);
    input.node.addEventListener("blur", () => {
      this.touched.add(place("", 0, field.name));
      this.drawing.do("problems", () => this.paintProblems());
    });
    return box;
  }

  /** @param {Reference} reference @param {Field[]} fields */
  referenceBox(reference, fields) {
    const set = make("fieldset", "dj-reference");
    const chooser = make("div", "");
    const open = button("Choose…", () => this.openChooser(chooser, open, "", reference, (values) => {
      for (const [name, text] of Object.entries(values)) this.entry.values[name] = text;
      this.take(this.entry);
      for (const name of reference.attributes) this.touched.add(place("", 0, name));
      this.check();
    }), `Choose a row of ${reference.parent}`);
    open.setAttribute("aria-expanded", "false");
    set.append(make("legend", "", {}, `→ ${reference.parent}`), ...fields.map((field) => this.fieldBox(field)), open, chooser);
    return set;
  }

  /**
   * @param {HTMLElement} at @param {HTMLElement} opener @param {string} part
   * @param {Reference} reference @param {(values: Texts) => void} chosen
   */
  openChooser(at, opener, part, reference, chosen) {
    const again = at.childElementCount > 0;
    this.closeChooser?.();
    if (again) return;
    const close = () => {
      at.replaceChildren();
      opener.setAttribute("aria-expanded", "false");
      this.closeChooser = null;
      if (opener.isConnected) opener.focus();
    };
    const found = new Chooser(this.link, part, reference, (values) => {
      chosen(values);
      close();
    }, close);
    at.replaceChildren(found.root);
    opener.setAttribute("aria-expanded", "true");
    this.closeChooser = close;
    found.search.focus();
  }

  /** @param {Sheet} part */
  partBox(part) {
    const box = make("section", "dj-partbox", { "aria-label": `Rows of ${part.table}` });
    const body = make("div", "");
    const head = make("div", "dj-bar");
    const add = button("Add row", () => {
      this.rowsOf(part.name).push({});
      this.paintPart(part);
      this.check();
      const rows = body.querySelectorAll("tbody tr");
      const input = rows[rows.length - 1]?.querySelector(".dj-input");
      if (input instanceof HTMLElement) input.focus();
    }, `Add a row to ${part.name}`);
    head.append(make("span", "dj-title", {}, part.name), make("span", "dj-status", {}, part.comment), add);
    box.append(head, body);
    this.grids.set(part.name, { sheet: part, body });
    return box;
  }

  /** @param {string} part */
  rowsOf(part) {
    this.entry.parts[part] ??= [];
    return this.entry.parts[part];
  }

  /** @param {Sheet} part */
  paintPart(part) {
    const grid = this.grids.get(part.name);
    if (!grid) return;
    const rows = this.entry.parts[part.name] ?? [];
    const chooser = make("div", "");
    const table = this.grid(part.fields, rows, 0, (row, field, text) => {
      rows[row][field.name] = text;
      this.touched.add(place(part.name, row, field.name));
      this.check();
    }, (row) => {
      rows.splice(row, 1);
      if (!rows.length) delete this.entry.parts[part.name];
      this.paintPart(part);
      this.check();
    }, (row, column, cells) => {
      cells.forEach((line, down) => {
        while (rows.length <= row + down) rows.push({});
        line.forEach((text, along) => {
          const field = part.fields[column + along];
          if (field) rows[row + down][field.name] = text === "" ? null : text;
        });
      });
      this.showAll = true;
      this.paintPart(part);
      this.check();
    }, part.references.length ? (row, line) => part.references.map((reference) => {
      const open = button("…", () => this.openChooser(chooser, open, part.name, reference, (values) => {
        const known = part.fields.map((field) => field.name);
        for (const [name, text] of Object.entries(values)) if (known.includes(name)) rows[row][name] = text;
        this.paintPart(part);
        this.check();
      }), `Choose a row of ${reference.parent} for row ${row + 1}`);
      open.setAttribute("aria-expanded", "false");
      return open;
    }) : null);
    grid.body.replaceChildren(rows.length ? table : make("p", "dj-hint", {}, "No rows. They are inserted together with the row above."), chooser);
    this.paintProblems();
  }

  /**
   * Rows as inputs, with a mark for each.
   * @param {Field[]} fields @param {Texts[]} rows @param {number} first
   * @param {(row: number, field: Field, text: string | null) => void} changed @param {(row: number) => void} dropped
   * @param {(row: number, column: number, cells: string[][]) => void} pasted
   * @param {((row: number, line: HTMLElement) => HTMLElement[]) | null} extras
   */
  grid(fields, rows, first, changed, dropped, pasted, extras = null) {
    const wrap = make("div", "dj-gridbox", { role: "region", "aria-label": "Rows", tabindex: "0" });
    const table = make("table", "dj-table");
    const head = make("tr", "");
    head.append(make("th", "", { scope: "col" }, "row"));
    for (const field of fields) {
      const cell = make("th", field.in_key ? "dj-key" : "", { scope: "col", title: [field.type, field.comment].filter(Boolean).join(" · ") }, field.name);
      cell.append(make("span", "dj-type", {}, field.unit ? `${field.type} [${field.unit}]` : field.type));
      head.append(cell);
    }
    head.append(make("th", "", { scope: "col" }, "what is wrong"), make("td", ""));
    const body = make("tbody", "");
    rows.forEach((row, index) => {
      const line = make("tr", "", { "data-row": String(first + index) });
      line.append(make("th", "dj-rownumber", { scope: "row" }, spell(first + index + 1)));
      fields.forEach((field, column) => {
        const cell = make("td", "");
        const input = editor(field, true);
        input.write(row[field.name] ?? null);
        this.editors.set(input.node, input);
        input.node.addEventListener("input", () => (input.node.dataset.typed = "true"));
        input.node.setAttribute("aria-label", `${field.name}, row ${first + index + 1}`);
        input.node.dataset.name = field.name;
        input.node.addEventListener("change", () => {
          delete input.node.dataset.typed;
          changed(first + index, field, input.read());
        });
        input.node.addEventListener("paste", (event) => {
          const text = /** @type {ClipboardEvent} */ (event).clipboardData?.getData("text/plain") ?? "";
          if (!/[\t\n]/.test(text.trim())) return;
          event.preventDefault();
          pasted(first + index, column, text.replace(/\r\n?/g, "\n").replace(/\n+$/, "").split("\n").map((part) => part.split("\t")));
        });
        cell.append(input.node);
        line.append(cell);
      });
      const end = make("td", "dj-rowend");
      end.append(...(extras?.(index, line) ?? []), button("×", () => dropped(first + index), `Leave row ${first + index + 1} out`));
      line.append(make("td", "dj-verdict"), end);
      body.append(line);
    });
    const top = make("thead", "");
    top.append(head);
    table.append(top, body);
    wrap.append(table);
    return wrap;
  }

  // --- one row
  /** @param {Entry} entry */
  take(entry) {
    this.entry = JSON.parse(JSON.stringify({ values: entry.values ?? {}, parts: entry.parts ?? {} }));
    for (const [name, { input }] of this.inputs) input.write(this.entry.values[name] ?? null);
    for (const part of this.spec.parts) this.paintPart(part);
    this.paintProblems();
  }

  /** @param {Field} field @param {string | null} text */
  type(field, text) {
    this.inputs.get(field.name)?.input.write(text);
    this.typed(field, text);
    this.inputs.get(field.name)?.input.node.focus();
  }

  /** @param {Field} field @param {string | null} text */
  typed(field, text) {
    if (text === null) delete this.entry.values[field.name];
    else this.entry.values[field.name] = text;
    this.touched.add(place("", 0, field.name));
    this.check();
  }

  /**
   * Let the kernel judge, after a rest: what was typed here, or what it knows already, which must not be sent again.
   * @param {"check" | "judge"} kind
   */
  check(kind = "check") {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.checks += 1;
      const serial = this.checks;
      const payload = kind === "check" ? { ...this.entry, by: this.link.prefix } : {};
      this.link.ask(kind, payload, (answered, answer) => {
        if (serial !== this.checks) return;
        this.drawing.do("judged", () => (answered === "error" ? this.fail(answer) : this.judged(answer)));
      });
    }, REST);
    this.paintProblems();
  }

  /** @param {{problems: Problem[], code: string}} answer */
  judged(answer) {
    this.problems = answer.problems;
    this.code.show(answer.code);
    this.paintProblems();
  }

  insert() {
    if (this.busy) return;
    clearTimeout(this.timer);
    this.checks += 1; // what is being judged is of the past
    this.working(true);
    this.link.ask("insert", { ...this.entry, by: this.link.prefix }, (kind, answer) => {
      this.working(false);
      if (kind === "error") this.fail(answer);
      else if (kind === "refused") {
        this.showAll = true;
        this.judged(answer);
        const first = this.root.querySelector('[aria-invalid="true"]');
        if (first instanceof HTMLElement) first.focus();
      } else {
        this.touched.clear();
        this.showAll = false;
        this.take(this.model.get("entry"));
        this.check("judge");
        const next = [...this.inputs.values()].find(({ field, input }) => field.required && input.read() === null);
        (next?.input.node ?? this.insertButton).focus();
      }
    });
  }

  clear() {
    this.touched.clear();
    this.showAll = false;
    this.take({ values: {}, parts: {} });
    this.check();
  }

  /** @param {boolean} busy */
  working(busy) {
    this.busy = busy;
    this.insertButton.disabled = this.insertAllButton.disabled = busy;
    if (busy) this.fail(null);
    this.paintStatus();
  }

  /** @param {{message: string, traceback: string} | null} error */
  fail(error) {
    this.alert.hidden = !error;
    this.alert.replaceChildren();
    if (!error) return;
    const more = make("details", "");
    more.append(make("summary", "", {}, "Traceback"), make("pre", "", {}, error.traceback));
    this.alert.append(make("span", "dj-message", {}, error.message), button("Dismiss", () => this.fail(null)), more);
  }

  // --- many rows
  buildMany() {
    const pane = /** @type {HTMLElement} */ (this.many);
    const id = `${this.id}-paste`;
    const names = this.spec.fields.map((field) => field.name).join(", ");
    const label = make("label", "", { for: id }, "Paste cells of a spreadsheet here");
    const hint = make("div", "dj-hint", { id: `${id}-hint` }, `With a line of attribute names above them, or in the order ${names}. Empty cells have no value.`);
    this.area = make("textarea", "dj-input dj-code", { id, rows: "3", "aria-describedby": `${id}-hint` });
    this.area.addEventListener("paste", () => setTimeout(() => this.paste()));
    this.summary = make("span", "dj-status", { role: "status", "aria-live": "polite" });
    this.beforeButton = button("Previous", () => this.readRows(this.page.offset - PAGE), "Previous rows");
    this.nextButton = button("Next", () => this.readRows(this.page.offset + PAGE), "Next rows");
    this.faultButton = button("First problem", () => this.firstProblem(), "Go to the first problem");
    this.dropButton = button("Take all away", () => this.sendPaste(""), "Take all pasted rows away");
    const bar = make("div", "dj-bar");
    bar.append(this.summary, this.faultButton, this.beforeButton, this.nextButton, this.dropButton);
    this.rowsBox = make("div", "");
    const actions = make("div", "dj-bar dj-actions");
    actions.append(this.insertAllButton);
    this.rowsPart = make("div", "");
    this.rowsPart.append(bar, this.rowsBox, actions, this.pastedCode.root);
    pane.append(label, this.area, hint, button("Read rows", () => this.paste()), this.rowsPart);
  }

  paste() {
    const text = this.area?.value ?? "";
    if (text.trim()) this.sendPaste(text);
  }

  /** @param {string} text */
  sendPaste(text) {
    this.working(true);
    this.turn("paste", { text }, () => {
      if (this.area) this.area.value = "";
    }, () => this.working(false));
  }

  /**
   * Ask what is answered by a page of pasted rows. Only the last such answer is drawn: it knows what those before do, and
   * the reader may have gone on to another page meanwhile.
   * @param {string} kind @param {object} payload @param {() => void} [drawn] @param {() => void} [answered]
   */
  turn(kind, payload, drawn, answered) {
    this.turns += 1;
    const turn = this.turns;
    this.turning = true;
    this.link.ask(kind, payload, (said, answer) => {
      const last = turn === this.turns;
      if (last) this.turning = false;
      answered?.();
      if (said === "error") {
        this.fail(answer);
        if (last && kind !== "rows") this.reread(); // what an earlier answer had was not drawn
      } else if (said === "rows") {
        this.drawing.do("rows", () => {
          if (last) this.paintRows(answer);
          drawn?.();
        });
      } else {
        if (last) this.reread();
        this.area?.focus();
      }
    });
  }

  /** @param {number} offset */
  readRows(offset) {
    if (!this.model.get("pasted").count) {
      this.paintRows({ offset: 0, rows: [], problems: [], code: "" });
      return;
    }
    const last = Math.floor((this.model.get("pasted").count - 1) / PAGE) * PAGE;
    const payload = { offset: Math.min(Math.max(0, offset), last), limit: PAGE };
    this.turn("rows", payload);
  }

  firstProblem() {
    const [row] = this.model.get("pasted").first_wrong;
    if (row === undefined) return;
    const payload = { offset: Math.floor(row / PAGE) * PAGE, limit: PAGE };
    this.turn("rows", payload, () => {
      const node = this.rowsBox?.querySelector(`[data-row="${row}"] [aria-invalid="true"], [data-row="${row}"] .dj-input`);
      if (node instanceof HTMLElement) node.focus();
    });
  }

  /** @param {{offset: number, rows: (string | null)[][], problems: Problem[], code: string}} page */
  paintRows(page) {
    const { names, count, wrong } = this.model.get("pasted");
    this.page = page;
    /** @type {Field[]} */
    const fields = names.map((/** @type {string} */ name) => this.spec.fields.find((field) => field.name === name));
    const rows = page.rows.map((row) => Object.fromEntries(fields.map((field, index) => [field.name, row[index]])));
    this.drawRows(fields, rows, page.offset);
    if (this.rowsPart) this.rowsPart.hidden = !count;
    if (this.rowsBox) this.mark(this.rowsBox, page.problems, true);
    if (this.summary) {
      const right = wrong ? `${spell(wrong)} with problems` : "all as the table takes them";
      const where = count > PAGE ? ` · rows ${spell(page.offset + 1)} to ${spell(page.offset + page.rows.length)}` : "";
      this.summary.textContent = `${spell(count)} row${count === 1 ? "" : "s"}, ${right}${where}`;
    }
    if (this.beforeButton) this.beforeButton.disabled = page.offset === 0;
    if (this.nextButton) this.nextButton.disabled = page.offset + page.rows.length >= count;
    if (this.faultButton) this.faultButton.hidden = !wrong;
    this.insertAllButton.disabled = this.busy || !!wrong || !count;
    this.pastedCode.show(page.code);
  }

  /**
   * Draw pasted rows. Those that are there already are written over in place, and what is just being typed into a cell stays.
   * @param {Field[]} fields @param {Texts[]} rows @param {number} offset
   */
  drawRows(fields, rows, offset) {
    const shape = JSON.stringify([fields.map((field) => field.name), offset, rows.length]);
    if (shape === this.shape) {
      for (const node of this.rowsBox?.querySelectorAll("tr[data-row] .dj-input") ?? []) {
        if (!(node instanceof HTMLElement) || node.dataset.typed) continue;
        const row = Number(node.closest("tr")?.dataset.row) - offset;
        this.editors.get(node)?.write(rows[row][node.dataset.name ?? ""] ?? null);
      }
      return;
    }
    this.shape = shape;
    const held = document.activeElement;
    const within = held instanceof HTMLElement && this.rowsBox?.contains(held) ? held : null;
    const grid = this.grid(
      fields, rows, offset,
      (row, field, text) => this.turn("cell", { row, name: field.name, value: text }),
      (row) => this.turn("drop", { row }),
      () => this.fail({ message: "Paste several cells into the box above.", traceback: "" }),
    );
    this.rowsBox?.replaceChildren(grid);
    if (!within) return;
    // Who leaves a row out by keyboard goes on from the one in its place.
    const lines = [...grid.querySelectorAll("tr[data-row]")];
    const line = lines[Math.min(Number(within.closest("tr")?.dataset.row) - offset, lines.length - 1)];
    const name = within.dataset.name;
    const next = line?.querySelector(name ? `[data-name="${CSS.escape(name)}"]` : ".dj-rowend button:last-child");
    if (next instanceof HTMLElement) next.focus();
  }

  insertAll() {
    if (this.busy) return;
    this.working(true);
    this.turn("insert_pasted", {}, undefined, () => this.working(false));
  }

  // --- drawing
  /** @param {string} mode */
  choose(mode) {
    this.model.set("mode", mode);
    this.model.save_changes();
    this.paintMode();
  }

  paintMode() {
    const mode = this.model.get("mode");
    for (const [name, tab] of this.tabs ?? []) {
      tab.setAttribute("aria-selected", String(name === mode));
      tab.tabIndex = name === mode ? 0 : -1;
    }
    if (this.one) this.one.hidden = mode !== "one";
    if (this.many) this.many.hidden = mode !== "many";
    this.paintStatus();
  }

  paintStatus() {
    let text = this.model.get("said");
    if (this.busy) text = "working…";
    if (this.link.late) text = "waiting for the kernel or the database…";
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  paintProblems() {
    const seen = this.problems.filter((problem) => this.showAll || this.touched.has(place(problem.part, problem.row, problem.name)) || !problem.name);
    for (const [name, { box, input, fault, clear }] of this.inputs) {
      const said = seen.filter((problem) => !problem.part && problem.name === name).map((problem) => problem.message);
      fault.textContent = said.join(" ");
      box.classList.toggle("dj-wrong", said.length > 0);
      input.node.setAttribute("aria-invalid", String(said.length > 0));
      clear.hidden = (this.entry.values[name] ?? null) === null;
    }
    for (const [part, { body }] of this.grids) this.mark(body, seen.filter((problem) => problem.part === part), false);
    const whole = seen.filter((problem) => !problem.part && !problem.name).map((problem) => problem.message);
    if (!this.whole) {
      this.whole = make("div", "dj-fault dj-whole", { role: "status" });
      this.one?.insertBefore(this.whole, this.one.firstChild);
    }
    if (this.whole.textContent !== whole.join(" ")) this.whole.textContent = whole.join(" ");
  }

  /** @param {HTMLElement} body @param {Problem[]} problems @param {boolean} judged */
  mark(body, problems, judged) {
    for (const line of body.querySelectorAll("tr[data-row]")) {
      const row = Number(/** @type {HTMLElement} */ (line).dataset.row);
      const own = problems.filter((problem) => problem.row === row);
      const named = new Set(own.map((problem) => problem.name));
      for (const input of line.querySelectorAll(".dj-input")) {
        input.setAttribute("aria-invalid", String(named.has(/** @type {HTMLElement} */ (input).dataset.name ?? "")));
      }
      const verdict = line.querySelector(".dj-verdict");
      if (verdict) verdict.textContent = own.map((problem) => (problem.name ? `${problem.name}: ${problem.message}` : problem.message)).join("; ") || (judged ? "✓" : "");
      line.classList.toggle("dj-wrong", own.length > 0);
    }
  }
}

/** @param {string} part @param {number} row @param {string} name */
const place = (part, row, name) => JSON.stringify([part, row, name]);

function now() {
  const moment = new Date();
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  return `${day} ${[moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":")}`;
}

export default {
  /** @param {{model: Model, el: HTMLElement}} context */
  render({ model, el }) {
    const form = new Form(model, el);
    requestAnimationFrame(() => hideTwin(model.get("twin_key"), el));
    return () => form.destroy();
  },
};
