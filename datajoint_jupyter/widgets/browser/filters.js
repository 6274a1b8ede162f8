// @ts-check
// A filter as it is written: a column, a condition that its type allows, values.

/** @param {Column} column @returns {[string, string][]} */
function operators(column) {
  /** @type {[string, string][]} */
  const missing = [["missing", "is missing"], ["present", "is not missing"]];
  if (!column.sortable) return missing;
  /** @type {[string, string][]} */
  const equal = [["=", "="], ["<>", "≠"]];
  const ordered = /** @type {[string, string][]} */ ([["<", "<"], ["<=", "≤"], [">", ">"], [">=", "≥"]]);
  const several = /** @type {[string, string][]} */ ([["one of", "is one of"]]);
  if (column.labels.length) return [...several, ...equal, ...missing];
  if (column.kind === "bool") return [["=", "is"], ...missing];
  if (column.kind === "number" || column.kind === "time")
    return [["between", "is between"], ...equal, ...ordered, ...several, ...missing];
  if (column.kind === "text")
    return [["contains", "contains"], ["starts", "starts with"], ["ends", "ends with"], ...equal, ...several, ...missing];
  return [...equal, ...several, ...missing];
}

/** @param {Column} column */
function valueInput(column) {
  if (column.kind === "bool") return menu([["true", "true"], ["false", "false"]]);
  const input = make("input", "dj-input", { type: "text", autocomplete: "off", spellcheck: "false" });
  if (column.family === "date") input.type = "date";
  else if (column.family === "datetime" || column.family === "timestamp") input.placeholder = "2024-01-31 12:00:00";
  else if (column.kind === "number") input.inputMode = "decimal";
  return input;
}

/** The form that makes a condition of a column. */
class FilterForm {
  root = make("form", "dj-form");
  values = make("span", "dj-values");
  /** @type {(() => string)[]} */
  read = [];

  /** @param {Column} column @param {(condition: object) => void} add */
  constructor(column, add) {
    this.column = column;
    this.operator = menu(operators(column));
    this.operator.addEventListener("change", () => this.fields());
    this.root.append(
      labelled("Condition", this.operator),
      this.values,
      make("button", "dj-button dj-main", { type: "submit" }, "Add filter"),
    );
    onSubmit(this.root, () => {
      const condition = this.condition();
      if (condition) add(condition);
    });
    this.fields();
  }

  fields() {
    const operator = this.operator.value;
    this.values.replaceChildren();
    this.read = [];
    if (operator === "missing" || operator === "present") return;
    if (operator === "between") {
      this.field("from", valueInput(this.column));
      this.field("to", valueInput(this.column));
    } else if (operator === "one of" && this.column.labels.length) {
      const boxes = this.column.labels.map((label) => tick(label, false, label));
      const group = make("span", "dj-ticks", { role: "group", "aria-label": "Values" });
      group.append(...boxes.map(({ label }) => label));
      this.values.append(group);
      this.read.push(() => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value).join("\n"));
    } else if (operator === "one of") {
      const area = make("textarea", "dj-input", { rows: "3", spellcheck: "false", placeholder: "one in each line" });
      this.values.append(labelled("values", area));
      this.read.push(() => area.value);
    } else if (this.column.labels.length) {
      this.field("value", menu(this.column.labels.map((label) => [label, label])));
    } else {
      this.field("value", valueInput(this.column));
    }
  }

  /** @param {string} text @param {HTMLInputElement | HTMLSelectElement} input */
  field(text, input) {
    this.values.append(labelled(text, input));
    this.read.push(() => input.value);
  }

  /** @returns {object | null} */
  condition() {
    const { name } = this.column;
    const operator = this.operator.value;
    const [first, second] = this.read.map((read) => read());
    if (operator === "missing") return { kind: "missing", name };
    if (operator === "present") return { kind: "not", item: { kind: "missing", name } };
    if (operator === "between") {
      return first || second ? { kind: "between", name, low: first || null, high: second || null } : null;
    }
    if (operator === "one of") {
      const values = first.split("\n").filter((value) => value.trim());
      return values.length ? { kind: "one of", name, values } : null;
    }
    if (["contains", "starts", "ends"].includes(operator)) {
      return first ? { kind: "text", name, place: operator, text: first } : null;
    }
    if (!first && this.column.kind !== "text") return null;
    return { kind: "compare", name, operator, value: first };
  }
}
