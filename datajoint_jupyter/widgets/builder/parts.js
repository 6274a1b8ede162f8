// @ts-check
// The parts of the tree on a page: groups, conditions, other tables.

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

/** @typedef {{el: HTMLElement, shape: string, update: (seen: Seen) => void}} Drawn */

/** The tree in one view. */
class Parts {
  el = make("div", "dj-tree");
  /** @type {Map<string, Drawn>} what is drawn, by the ids of conditions */
  drawn = new Map();
  /** @type {Map<string, Drawn>} what was drawn before */
  before = new Map();

  /** @param {Model} model @param {Tree} state */
  constructor(model, state) {
    this.model = model;
    this.state = state;
    this.values = new ValueInputs(state);
    this.picker = new KeyPicker(state, {
      paint: () => this.paint(),
      part: (id) => this.drawn.get(id)?.el,
      enter: (part) => this.enter(part),
    });
  }

  paint() {
    const focus = this.focused();
    this.before = this.drawn;
    this.drawn = new Map();
    arrange(this.el, [this.draw(this.state.root, "", "")]);
    this.refocus(focus);
  }

  /** Where the focus is: which part, which of its controls. */
  focused() {
    const node = document.activeElement;
    if (!(node instanceof HTMLElement) || !this.el.contains(node)) return null;
    const part = /** @type {HTMLElement | null} */ (node.closest("[data-part]"));
    return { node, part: part?.dataset.part ?? "", control: node.dataset.control ?? "" };
  }

  /** @param {{node: HTMLElement, part: string, control: string} | null} focus */
  refocus(focus) {
    if (!focus || document.activeElement === focus.node) return;
    if (focus.node.isConnected) {
      focus.node.focus(); // it was moved along with its part
      return;
    }
    const part = this.drawn.get(focus.part)?.el;
    const control = focus.control && part?.querySelector(`[data-control="${CSS.escape(focus.control)}"]`);
    const next = control || part?.querySelector("select, input, button") || this.el.querySelector("select, input, button");
    if (next instanceof HTMLElement) next.focus();
  }

  /** Draw a part, or what was drawn of it before. @param {Condition} outer @param {string} table of the rows it is about @param {string} place how it can be removed */
  draw(outer, table, place) {
    const said = seen(outer);
    const { content } = said;
    const info = this.attributes(table);
    const exists = content.kind === "exists" ? this.state.learn("related", { table }) : null;
    const ways = content.kind === "exists" && content.table ? this.state.table(content.table, table) : null;
    const attribute = info?.find((known) => known.name === content.name);
    const shape = JSON.stringify([
      content.kind, content.name, content.operator, content.place, content.table, table, place, !info, !exists, !ways,
      content.kind === "between" || content.kind === "compare" ? this.values.inputType(attribute, valueOf(content)) : "",
      content.kind === "group" ? this.picker.shape(content.id, table) : "",
    ]);
    let known = this.before.get(content.id);
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

  /** The end of every part: its count, what it can be made into, and why it does not hold. @param {Seen} said @param {string} what @param {HTMLElement[]} more other buttons */
  tail(said, what, ...more) {
    const el = make("span", "dj-tail");
    const count = make("span", "dj-count");
    const wrap = hintButton("Group", `Put this ${what} into a group of its own, to add alternatives`);
    wrap.dataset.control = "wrap";
    wrap.setAttribute("aria-label", `Group this ${what}`);
    const remove = hintButton("✕", `Remove this ${what}`);
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
    el.append(count, ...more, wrap, remove);
    return { el, problem, update };
  }

  /** @param {string} id */
  remove(id) {
    const part = this.el.querySelector(`[data-outer="${CSS.escape(id)}"]`);
    const group = part?.parentElement?.closest("[data-part]");
    const beside = part?.nextElementSibling ?? part?.previousElementSibling;
    this.state.replace(id, () => []);
    const next = (beside?.isConnected ? beside : group?.querySelector(":scope > .dj-adders"))?.querySelector("select, input, button");
    if (next instanceof HTMLElement) next.focus();
  }

  /** @param {Seen} said @param {string} table @param {string} place @returns {{el: HTMLElement, update: (seen: Seen) => void}} */
  drawGroup(said, table, place) {
    const el = make("div", "dj-group", { role: "group" });
    const bar = make("div", "dj-bar");
    const items = make("div", "dj-items");
    const adders = make("div", "dj-adders");
    const ungroup = hintButton("Ungroup", "Put the conditions of this group in its place");
    ungroup.dataset.control = "ungroup";
    ungroup.addEventListener("click", () => this.state.replace(now.outer.id, () => now.content.items));
    const tail = this.tail(said, "group", ungroup);
    const how = menuOf("How the conditions of this group combine", [["and", "all of"], ["or", "any of"], ["not and", "not all of"], ["not or", "none of"]], "and");
    how.dataset.control = "how";
    let now = said;
    if (place) {
      bar.append(how, tail.el);
      how.addEventListener("change", () => {
        const { content, outer } = now;
        content.how = how.value.endsWith("or") ? "or" : "and";
        const negated = how.value.startsWith("not");
        this.state.replace(outer.id, () => [negated ? { id: now.negated ? outer.id : this.state.id(), kind: "not", item: content } : content]);
      });
    }
    for (const [label, hint, add] of this.additions(() => now.content, table)) {
      const adder = hintButton(label, hint);
      adder.dataset.control = label;
      adder.addEventListener("click", add);
      adders.append(adder);
    }
    const empty = make("div", "dj-empty", {}, place || !table ? "Every row" : "Any row of it");
    const picker = this.picker.picking?.group === said.content.id ? [this.picker.draw(() => now.content, table)] : [];
    el.append(...(place ? [bar] : []), tail.problem, items, empty, adders, ...picker);
    return {
      el,
      update: (seen) => {
        now = seen;
        el.dataset.outer = seen.outer.id;
        el.setAttribute("aria-label", place ? "Group of conditions" : "Conditions that must all hold");
        how.value = (seen.negated ? "not " : "") + seen.content.how;
        empty.hidden = seen.content.items.length > 0;
        arrange(items, seen.content.items.map((/** @type {Condition} */ item) => this.draw(item, table, "inside")));
        tail.update(seen);
      },
    };
  }

  /** What can be added to a group. @param {() => Condition} group @param {string} table @returns {[string, string, () => void][]} */
  additions(group, table) {
    const add = (/** @type {Condition} */ content) => {
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
        this.picker.open(group().id);
      }],
      ["+ Words", "A condition written by hand", () => add({ id: this.state.id(), kind: "verbatim", text: "" })],
      ["+ Group", "Alternatives", () => {
        withFirst((attribute) => add({ ...this.state.group([this.state.condition(attribute)]), how: "or" }));
      }],
    ];
  }

  /** @param {Condition} content */
  enter(content) {
    const el = this.drawn.get(content.id)?.el;
    const first = el?.querySelector("select:not([aria-pressed]), input");
    if (first instanceof HTMLElement) first.focus();
  }

  /** @param {Seen} said @param {string} table @returns {{el: HTMLElement, update: (seen: Seen) => void}} */
  drawExists(said, table) {
    const el = make("div", "dj-exists", { role: "group" });
    const bar = make("div", "dj-bar");
    const inner = make("div", "dj-inner");
    const tail = this.tail(said, "condition");
    let now = said;
    const related = /** @type {RelatedTables | undefined} */ (this.state.learn("related", { table }));
    const name = said.content.table;
    const has = menuOf("Whether such a row exists", [["", "there is a row of"], ["not", "there is no row of"]], "");
    has.dataset.control = "not";
    has.addEventListener("change", () => this.negate(now, has.value === "not"));
    const choices = /** @type {[string, string][]} */ ((related?.tables ?? []).map((known) => [known.name, known.name]));
    const tables = menuOf("Related table", choices, name);
    tables.dataset.control = "table";
    tables.addEventListener("change", () => {
      Object.assign(now.content, { table: tables.value, via: [], condition: this.state.group() });
      this.state.push();
    });
    bar.append(has, tables);
    const ways = name ? this.state.table(name, table)?.ways ?? [] : [];
    const way = menuOf("Way to that table", ways.map((known) => [known.via, known.text]), "");
    way.dataset.control = "way";
    way.addEventListener("change", () => {
      now.content.via = way.value ? [way.value] : [];
      this.state.push();
    });
    if (ways.some((known) => known.via)) bar.append(way);
    bar.append(tail.el);
    el.append(bar, tail.problem, inner);
    return {
      el,
      update: (seen) => {
        now = seen;
        el.dataset.outer = seen.outer.id;
        el.setAttribute("aria-label", `Related table ${name}`);
        has.value = seen.negated ? "not" : "";
        const via = seen.content.via?.[0] ?? "";
        if (![...way.options].some((option) => option.value === via)) way.append(make("option", "", { value: via }, via || "choose…"));
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

  /** @param {() => Seen} now */
  notButton(now) {
    const not = hintButton("not", "The opposite: rows for which this does not hold");
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
    this.values.typed(input, (value) => {
      now.content.text = value;
    });
    const not = this.notButton(() => now);
    bar.append(not, input, tail.el);
    el.append(bar, tail.problem);
    return {
      el,
      update: (seen) => {
        now = seen;
        el.dataset.outer = seen.outer.id;
        not.setAttribute("aria-pressed", String(seen.negated));
        this.values.fill(input, seen.content.text ?? "");
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
    const names = menuOf("Attribute", known.map((each) => [each.name, each.name]), said.content.name);
    names.dataset.control = "name";
    names.title = attribute ? `${attribute.name} : ${attribute.type}${attribute.comment ? ` · ${attribute.comment}` : ""}` : "";
    names.addEventListener("change", () => {
      const next = known.find((each) => each.name === names.value);
      if (!next) return;
      const fresh = this.state.condition(next);
      this.change(now.content, { ...fresh, id: now.content.id });
    });
    const tests = menuOf("Test", (attribute?.tests ?? []).map((test) => [test, TESTS[test]]), testOf(said.content));
    for (const option of tests.options) option.textContent = TESTS[option.value] ?? option.value;
    tests.dataset.control = "test";
    tests.addEventListener("change", () => this.change(now.content, this.state.tested(now.content, tests.value, valueOf(now.content))));
    const values = this.values.draw(() => now.content, table, attribute);
    const not = this.notButton(() => now);
    bar.append(not, names, tests, ...values.inputs, tail.el);
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

  /** Change a condition in its place. @param {Condition} content @param {Condition} next */
  change(content, next) {
    for (const field of Object.keys(content)) delete content[field];
    Object.assign(content, next);
    this.state.push();
  }
}
