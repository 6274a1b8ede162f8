// @ts-check
// Choosing a row of another table, whose key becomes a condition of a group.

/**
 * @typedef {{group: string, table: string, search: string, offset: number,
 *            rows: {key: Record<string, string>, label: string}[], more: boolean, looking: boolean}} Picking
 * the group in which a key is being chosen, with what was found
 */

const KEYS_PAGE = 20;

class KeyPicker {
  /** @type {Picking | null} */
  picking = null;

  /**
   * @param {Tree} state
   * @param {{paint: () => void, part: (id: string) => HTMLElement | undefined, enter: (part: Condition) => void}} parts
   */
  constructor(state, parts) {
    this.state = state;
    this.parts = parts;
  }

  /** What is shown of a group's choice, as text; empty while there is none. @param {string} group @param {string} table */
  shape(group, table) {
    return this.picking?.group === group ? JSON.stringify([this.picking, this.related(table)]) : "";
  }

  /** @param {string} table @returns {RelatedTables | undefined} */
  related(table) {
    return this.state.learn("related", { table });
  }

  /** @param {string} group */
  open(group) {
    this.picking = { group, table: "", search: "", offset: 0, rows: [], more: false, looking: false };
    this.parts.paint();
    this.within(group, ":scope > .dj-picker select")?.focus();
  }

  /** @param {string} group */
  leave(group) {
    this.picking = null;
    this.parts.paint();
    this.within(group, ":scope > .dj-adders [data-control='+ Key']")?.focus();
  }

  /** @param {string} group @param {string} selector @returns {HTMLElement | null} */
  within(group, selector) {
    return this.parts.part(group)?.querySelector(selector) ?? null;
  }

  /** @param {() => Condition} group @param {string} table of the group's rows */
  draw(group, table) {
    const picking = /** @type {Picking} */ (this.picking);
    const related = this.related(table);
    const el = make("div", "dj-picker", { role: "group", "aria-label": "Choose a key" });
    el.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.leave(group().id);
    });
    const list = make("div", "dj-keys");
    for (const row of picking.rows) {
      const choose = hintButton(row.label);
      choose.addEventListener("click", () => this.pick(group(), row.key));
      list.append(choose);
    }
    const none = this.nothing(picking, related);
    if (none) list.append(make("span", "dj-empty", {}, none));
    el.append(this.bar(picking, related, table, () => this.leave(group().id)), list);
    return el;
  }

  /** Why there is nothing to choose. @param {Picking} picking @param {RelatedTables | undefined} related */
  nothing(picking, related) {
    if (!related || picking.looking) return "…";
    if (!related.key_tables.length) return "No table's whole key is here.";
    return picking.table && !picking.rows.length ? "No rows." : "";
  }

  /** @param {Picking} picking @param {RelatedTables | undefined} related @param {string} table @param {() => void} leave */
  bar(picking, related, table, leave) {
    const choices = /** @type {[string, string][]} */ ((related?.key_tables ?? []).map((known) => [known.name, known.name]));
    const tables = menuOf("Table of the key", choices, picking.table);
    tables.dataset.control = "key-table";
    const search = make("input", "dj-input", { type: "search", "aria-label": "Find in the rows", placeholder: "find", "data-control": "key-search" });
    search.value = picking.search;
    const earlier = hintButton("Earlier");
    const later = hintButton("Later");
    earlier.dataset.control = "key-earlier";
    later.dataset.control = "key-later";
    earlier.disabled = picking.offset === 0;
    later.disabled = !picking.more;
    const cancel = hintButton("Cancel");
    const look = (/** @type {Partial<Picking>} */ change) => this.look({ ...picking, ...change }, table);
    tables.addEventListener("change", () => look({ table: tables.value, offset: 0 }));
    search.addEventListener("change", () => look({ search: search.value, offset: 0 }));
    earlier.addEventListener("click", () => look({ offset: Math.max(0, picking.offset - KEYS_PAGE) }));
    later.addEventListener("click", () => look({ offset: picking.offset + KEYS_PAGE }));
    cancel.addEventListener("click", leave);
    const bar = make("div", "dj-bar");
    bar.append(make("span", "", {}, "key of"), tables, search, earlier, later, cancel);
    return bar;
  }

  /** @param {Picking} picking @param {string} origin */
  look(picking, origin) {
    const { table, search, offset } = picking;
    if (!table) return;
    const show = (/** @type {object} */ found) => {
      if (this.picking?.group !== picking.group) return;
      this.picking = { ...picking, ...found, looking: false };
      this.state.news();
    };
    this.picking = { ...picking, looking: true };
    this.parts.paint();
    this.state.ask("keys", { origin, table, search, offset }).then(({ rows, more }) => show({ rows, more }), () => show({ rows: [] }));
  }

  /** @param {Condition} group @param {Record<string, string>} key */
  pick(group, key) {
    const parts = Object.entries(key).map(([name, value]) => ({ id: this.state.id(), kind: "compare", name, operator: "=", value }));
    const together = parts.length === 1 || group.how === "and" ? parts : [this.state.group(parts)];
    group.items.push(...together);
    this.picking = null;
    this.state.push();
    this.parts.enter(parts[0]);
  }
}
