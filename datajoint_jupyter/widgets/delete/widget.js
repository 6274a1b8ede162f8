// @ts-check
// The delete view's page: the plan as a tree, the question, progress. The kernel decides what may be deleted.

/**
 * @typedef {{name: string, depth: number, rows: number, added: number, blocked: boolean, sample: string[]}} Planned
 * @typedef {{table: string, rows: number, headline: string, tables: Planned[], untouched: string[], notes: string[],
 *            refused: string, big: boolean}} Outline
 */

/** @type {Record<string, string>} */
const WAYS = {
  enforce: "must go too, or nothing goes",
  cascade: "go too",
  ignore: "stay without those rows",
  strict: "must go too, each of them",
};

/** @param {string} label @param {() => void} act */
function button(label, act) {
  const node = make("button", "dj-button", { type: "button" }, label);
  node.addEventListener("click", act);
  return node;
}

class View {
  root = make("section", "dj-delete dj-live", { "data-lm-suppress-shortcuts": "true" });
  headline = make("span", "dj-headline", { role: "status", "aria-live": "polite" });
  alert = make("div", "dj-alert", { role: "alert" });
  tree = make("ul", "dj-tree");
  notes = make("ul", "dj-notes");
  bar = make("div", "dj-progress", { role: "progressbar", "aria-label": "Rows deleted", "aria-valuemin": "0" });
  done = make("div", "dj-part");
  code = make("code", "dj-code");

  paint = () => this.paintAll();
  again = () => {
    this.name.value = "";
    this.paintPlan();
    this.paintAll();
  };

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.questions = new Questions(model);
    const id = `dj-delete-${Math.random().toString(36).slice(2)}`; // each widget has a module of its own, and ids are the page's
    const table = model.get("outline").table;
    this.root.setAttribute("aria-label", `Delete from ${table}`);
    this.tree.setAttribute("aria-label", "Tables that lose rows");
    this.alert.hidden = true;
    this.deleteButton = button("Delete", () => this.send("delete", { revision: model.get("revision"), name: this.name.value }));
    this.deleteButton.classList.add("dj-danger");
    this.cancelButton = button("Cancel", () => this.send("cancel", {}));
    this.againButton = button("Look again", () => this.plan());
    this.way = make("select", "dj-input", { id: `${id}-way` });
    for (const way of model.get("ways")) this.way.append(make("option", "", { value: way }, WAYS[way] ?? way));
    this.way.addEventListener("change", () => this.plan());
    this.name = make("input", "dj-input", { type: "text", id: `${id}-name`, autocomplete: "off", spellcheck: "false" });
    this.name.addEventListener("input", this.paint);
    this.name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      if (!this.deleteButton.disabled) this.deleteButton.click();
    });
    const line = make("div", "dj-bar");
    line.append(make("span", "dj-title", {}, `Delete from ${table}`), this.headline);
    this.wayBox = make("div", "dj-bar");
    this.wayBox.append(make("label", "", { for: `${id}-way` }, "Masters whose part rows go"), this.way);
    this.nameBox = make("div", "dj-bar dj-confirm");
    const label = make("label", "", { for: `${id}-name` }, "To confirm, type ");
    label.append(make("code", "", {}, table));
    this.nameBox.append(label, this.name);
    const actions = make("div", "dj-bar dj-actions");
    actions.append(this.deleteButton, this.cancelButton, this.againButton);
    this.codeBox = make("p", "dj-hint");
    this.codeBox.append("Python: ", this.code);
    this.bar.append(this.done);
    this.root.append(line, this.questions.late, this.alert, this.tree, this.notes, this.wayBox, this.nameBox, this.bar, actions, this.codeBox);
    el.append(this.root);
    for (const name of ["state", "said", "progress", "failure", "code", "part_integrity"]) model.on(`change:${name}`, this.paint);
    model.on("change:revision", this.again);
    this.again();
  }

  destroy() {
    for (const name of ["state", "said", "progress", "failure", "code", "part_integrity"]) this.model.off(`change:${name}`, this.paint);
    this.model.off("change:revision", this.again);
    this.questions.close();
    this.root.remove();
  }

  /** @param {string} kind @param {object} payload */
  send(kind, payload) {
    this.fail(null);
    this.questions.ask(kind, payload).catch((error) => this.fail(error));
  }

  plan() {
    this.send("plan", { part_integrity: this.way.value });
  }

  /** @param {{message?: string, traceback?: string} | null} error */
  fail(error) {
    this.alert.hidden = !error?.message;
    this.alert.replaceChildren();
    if (!error?.message) return;
    const more = make("details", "");
    more.append(make("summary", "", {}, "Traceback"), make("pre", "", {}, error.traceback));
    this.alert.append(make("span", "dj-message", {}, error.message), more);
  }

  paintPlan() {
    /** @type {Outline} */
    const outline = this.model.get("outline");
    /** @type {HTMLElement[]} the list at each depth */
    const lists = [this.tree];
    this.tree.replaceChildren();
    for (const table of outline.tables) {
      const item = make("li", "dj-planned");
      const box = make("details", "");
      const line = make("summary", "");
      line.append(
        make("span", "dj-table-name", {}, table.name),
        make("span", "dj-count", {}, `${table.rows.toLocaleString("en-US")} row${table.rows === 1 ? "" : "s"}`),
      );
      if (table.added) line.append(make("span", "dj-added", {}, `${table.added.toLocaleString("en-US")} more than shown before`));
      if (table.blocked) line.append(make("span", "dj-blocked", {}, "you may not delete from it"));
      const keys = make("ul", "dj-keys", { "aria-label": `First keys of ${table.name}` });
      keys.append(...table.sample.map((key) => make("li", "", {}, key)));
      if (table.rows > table.sample.length) keys.append(make("li", "dj-more", {}, `and ${(table.rows - table.sample.length).toLocaleString("en-US")} more`));
      box.open = outline.tables.length <= 4;
      box.append(line, keys);
      item.append(box);
      lists.length = Math.min(lists.length, table.depth + 1);
      lists[lists.length - 1].append(item);
      const below = make("ul", "dj-below");
      item.append(below);
      lists.push(below);
    }
    for (const list of this.tree.querySelectorAll("ul:empty")) list.remove();
    this.tree.hidden = !outline.tables.length;
    const told = [...outline.notes];
    if (outline.untouched.length && outline.rows) told.push(`No row goes from ${outline.untouched.join(", ")}.`);
    this.notes.replaceChildren(...told.map((note) => make("li", "", {}, note)));
    if (outline.refused) this.notes.append(make("li", "dj-refused", {}, outline.refused));
    this.notes.hidden = !told.length && !outline.refused;
  }

  paintAll() {
    /** @type {Outline} */
    const outline = this.model.get("outline");
    const state = this.model.get("state");
    const progress = this.model.get("progress");
    const busy = ["planning", "deleting", "stopping"].includes(state);
    const active = document.activeElement;
    this.root.dataset.state = state;
    let text = this.model.get("said") || outline.headline;
    if (state === "planning") text = "looking at what depends on the rows…";
    if (state === "deleting") text = "deleting…";
    if (state === "stopping") text = "stopping; what was deleted is undone…";
    if (progress.total && state === "deleting") {
      text = `deleting: ${progress.done.toLocaleString("en-US")} of ${progress.total.toLocaleString("en-US")} rows, now ${progress.table}`;
    }
    if (this.headline.textContent !== text) this.headline.textContent = text;
    const open = state === "asking" && outline.rows > 0 && !outline.refused;
    this.nameBox.hidden = !open || !outline.big;
    this.deleteButton.hidden = !open;
    this.deleteButton.disabled = outline.big && this.name.value.trim() !== outline.table;
    this.deleteButton.textContent = `Delete ${outline.rows.toLocaleString("en-US")} row${outline.rows === 1 ? "" : "s"}`;
    this.cancelButton.hidden = !(open || state === "deleting" || state === "stopping");
    this.cancelButton.disabled = state === "stopping";
    this.againButton.hidden = busy;
    this.way.value = this.model.get("part_integrity");
    this.way.disabled = busy;
    this.wayBox.hidden = state === "done";
    this.bar.hidden = state !== "deleting" && state !== "stopping";
    const share = progress.total ? progress.done / progress.total : 0;
    this.done.style.width = `${100 * share}%`;
    this.bar.setAttribute("aria-valuemax", String(progress.total ?? outline.rows));
    this.bar.setAttribute("aria-valuenow", String(progress.done ?? 0));
    const failure = this.model.get("failure");
    if (failure.message) this.fail(failure);
    else if (busy) this.fail(null);
    const code = this.model.get("code");
    this.code.textContent = code;
    this.codeBox.hidden = !code;
    // Who works by keyboard goes on from what there is to do now.
    if (active instanceof HTMLElement && this.root.contains(active) && (active.closest("[hidden]") || active.matches(":disabled")))
      [this.cancelButton, this.againButton].find((one) => !one.hidden && !one.disabled)?.focus();
  }
}

export default {
  /** @param {{model: Model, el: HTMLElement}} context */
  render({ model, el }) {
    const view = new View(model, el);
    requestAnimationFrame(() => hideTwin(model.get("twin_key"), el));
    return () => view.destroy();
  },
};
