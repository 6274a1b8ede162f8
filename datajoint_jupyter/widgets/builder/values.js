// @ts-check
// What a condition compares with: inputs that suit the type of the attribute.

const DATE = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/;

/** The inputs of conditions, in one view or several. */
class ValueInputs {
  /** @param {Tree} state */
  constructor(state) {
    this.state = state;
  }

  /** @param {() => Condition} now @param {string} table @param {Attribute | undefined} attribute @returns {{inputs: HTMLElement[], below: HTMLElement[], update: (content: Condition) => void}} */
  draw(now, table, attribute) {
    const content = now();
    const single = (/** @type {string} */ field, /** @type {string} */ label) => this.valueInput(now, field, label, table, attribute);
    switch (content.kind) {
      case "compare": {
        const one = single("value", "Value");
        return { inputs: one.nodes, below: [], update: (seen) => one.update(seen.value) };
      }
      case "text": {
        const one = single("text", "Text");
        return { inputs: one.nodes, below: [], update: (seen) => one.update(seen.text) };
      }
      case "between": {
        const [low, high] = [single("low", "From"), single("high", "To")];
        const bars = new Histogram(this.state, now, table, attribute);
        return {
          inputs: [...low.nodes, make("span", "", {}, "to"), ...high.nodes],
          below: [bars.el],
          update: (seen) => {
            low.update(seen.low);
            high.update(seen.high);
            bars.update(seen);
          },
        };
      }
      case "one of":
        return this.drawChoices(now, table, attribute);
    }
    return { inputs: [], below: [], update: () => {} };
  }

  /** Which kind of input can show a value. @param {Attribute | undefined} attribute @param {string | null} value */
  inputType(attribute, value) {
    const kind = attribute?.input ?? "text";
    const fits = { date: DATE, datetime: MOMENT }[/** @type {"date"} */ (kind)];
    if (fits) return value === null || fits.test(value) ? kind : "text";
    return kind;
  }

  /** @param {() => Condition} now @param {string} field @param {string} label @param {string} table @param {Attribute | undefined} attribute @returns {{nodes: HTMLElement[], update: (value: string | null) => void}} */
  valueInput(now, field, label, table, attribute) {
    const type = field === "text" ? "text" : this.inputType(attribute, valueOf(now()));
    const set = (/** @type {string} */ value) => {
      const isText = attribute?.input === "text" && field !== "low" && field !== "high";
      now()[field] = value === "" && !isText ? null : value;
    };
    if (type === "enum" || type === "bool") {
      const labels = type === "bool" ? ["true", "false"] : attribute?.labels ?? [];
      const select = menuOf(label, labels.map((each) => [each, each]), now()[field] ?? "");
      select.dataset.control = field;
      select.addEventListener("change", () => {
        set(select.value);
        this.state.push();
      });
      return { nodes: [select], update: (value) => { select.value = value ?? ""; } };
    }
    const input = make("input", "dj-input", { "aria-label": label, "data-control": field, spellcheck: "false", placeholder: label.toLowerCase() });
    input.type = { date: "date", datetime: "datetime-local" }[/** @type {"date"} */ (type)] ?? "text";
    if (type === "datetime") input.step = "0.001";
    if (type === "number") input.inputMode = "decimal";
    this.typed(input, (value) => set(type === "datetime" ? value.replace("T", " ").replace(/ \d\d:\d\d$/, "$&:00") : value));
    const nodes = /** @type {HTMLElement[]} */ ([input]);
    const list = make("datalist", "", { id: `dj-${this.state.id()}` });
    if (field === "value" && input.type === "text") {
      input.setAttribute("list", list.id);
      input.addEventListener("focus", () => this.suggest(list, table, now().name));
      nodes.push(list);
    }
    return { nodes, update: (value) => this.fill(input, type === "datetime" ? (value ?? "").replace(" ", "T") : value ?? "") };
  }

  /** Offer the values that occur. @param {HTMLElement} list @param {string} table @param {string} name */
  suggest(list, table, name) {
    const summary = /** @type {Summary | undefined} */ (this.state.learn("values", { table, name }));
    if (!summary || summary.histogram || list.childElementCount) return;
    list.append(...summary.bars.map((bar) => make("option", "", { value: bar.label, label: `${bar.label} (${bar.count})` })));
  }

  /** Send what is typed after a rest, or when the input is left. @param {HTMLInputElement} input @param {(value: string) => void} set */
  typed(input, set) {
    input.addEventListener("input", () => {
      set(input.value);
      this.state.push(false);
    });
    input.addEventListener("change", () => this.state.send());
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.state.send();
    });
  }

  /** Show a value, but not over what is being typed. @param {HTMLInputElement} input @param {string} value */
  fill(input, value) {
    if (document.activeElement === input && (this.state.changed || this.state.sending || input.type !== "text")) return;
    if (input.value !== value) input.value = value;
  }

  /** Values to be switched on and off, those that occur most first, and an input for others. @param {() => Condition} now @param {string} table @param {Attribute | undefined} attribute */
  drawChoices(now, table, attribute) {
    const choices = make("div", "dj-choices", { role: "group", "aria-label": `Values of ${attribute?.name}` });
    const other = make("input", "dj-input", { type: "text", "aria-label": "Another value", placeholder: "another value", "data-control": "other", spellcheck: "false" });
    const add = hintButton("Add", "Add this value");
    add.dataset.control = "add";
    const closed = attribute?.input === "enum" || attribute?.input === "bool";
    const toggle = (/** @type {string} */ value, /** @type {boolean} */ on) => {
      const rest = (now().values ?? []).filter((/** @type {string} */ each) => each !== value);
      now().values = on ? [...rest, value] : rest;
      this.state.push();
    };
    const addOther = () => {
      if (!other.value) return;
      const { value } = other;
      other.value = "";
      toggle(value, true);
      other.focus();
    };
    add.addEventListener("click", addOther);
    other.addEventListener("keydown", (event) => {
      if (event.key === "Enter") addOther();
    });
    const extra = make("span", "dj-other");
    extra.append(other, add);
    /** @type {Map<string, HTMLButtonElement>} */
    const buttons = new Map();
    return {
      inputs: [],
      below: closed ? [choices] : [choices, extra],
      update: (/** @type {Condition} */ content) => {
        const summary = /** @type {Summary | undefined} */ (this.state.learn("values", { table, name: content.name }));
        const found = new Map((summary?.histogram ? [] : summary?.bars ?? []).map((bar) => [bar.label, bar.count]));
        const all = [...new Set([...(attribute?.labels ?? []), ...found.keys(), ...(content.values ?? [])])];
        arrange(choices, all.map((value) => {
          let node = buttons.get(value);
          if (!node) {
            node = hintButton("");
            node.classList.add("dj-choice");
            node.dataset.control = `value ${value}`;
            const pressed = node;
            node.addEventListener("click", () => toggle(value, pressed.getAttribute("aria-pressed") !== "true"));
            buttons.set(value, node);
          }
          const count = found.get(value);
          const text = value === "" ? "(empty)" : value;
          const label = count === undefined ? text : `${text} · ${count}`;
          if (node.textContent !== label) node.textContent = label;
          node.setAttribute("aria-pressed", String((content.values ?? []).includes(value)));
          return node;
        }));
      },
    };
  }
}
