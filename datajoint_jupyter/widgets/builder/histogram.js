// @ts-check
// How often values occur, as bars: one sets the range, with shift or by dragging it grows.

/** A number without the digits that nobody reads; other texts as they are. @param {string | null} text */
function shortened(text) {
  return text && /^-?\d+\.\d{6,}$/.test(text) ? String(Number(Number(text).toPrecision(6))) : text ?? "";
}

class Histogram {
  bars = make("div", "dj-bars");
  ends = make("div", "dj-ends");
  /** @type {Summary | undefined} */
  summary = undefined;
  /** The bar in the tab order. */
  active = 0;
  /** The bar from which a stretch grows. */
  anchor = -1;
  dragging = -1;

  /** @param {Tree} state @param {() => Condition} now the range @param {string} table @param {Attribute | undefined} attribute */
  constructor(state, now, table, attribute) {
    this.state = state;
    this.now = now;
    this.table = table;
    this.attribute = attribute;
    this.el = make("div", "dj-histogram", { role: "group", "aria-label": `How often values of ${attribute?.name} occur` });
    this.el.append(this.bars, this.ends);
    this.bars.addEventListener("click", (event) => this.click(event));
    this.bars.addEventListener("keydown", (event) => this.key(event));
    this.bars.addEventListener("pointerdown", (event) => this.grab(event));
    this.bars.addEventListener("pointermove", (event) => this.drag(event));
    this.bars.addEventListener("pointerup", () => {
      this.dragging = -1;
    });
  }

  /** @param {number} from @param {number} to */
  choose(from, to) {
    if (!this.summary) return;
    const [first, last] = [Math.min(from, to), Math.max(from, to)];
    this.now().low = this.summary.bars[first].low;
    this.now().high = this.summary.bars[last].high;
    this.state.push();
  }

  /** @param {MouseEvent} event */
  click(event) {
    const index = this.index(event.target instanceof Element ? event.target.closest("button") : null);
    if (index < 0 || event.detail > 0) return; // a pointer has chosen already
    this.begin(index, event.shiftKey);
  }

  /** @param {Element | null} bar */
  index(bar) {
    return bar ? [...this.bars.children].indexOf(bar) : -1;
  }

  /** @param {PointerEvent} event */
  under(event) {
    return this.index(document.elementFromPoint(event.clientX, event.clientY)?.closest("button") ?? null);
  }

  /** @param {number} index @param {boolean} stretch */
  begin(index, stretch) {
    if (!stretch || this.anchor < 0) this.anchor = index;
    this.choose(this.anchor, index);
  }

  /** @param {PointerEvent} event */
  grab(event) {
    const index = this.under(event);
    if (index < 0) return;
    this.dragging = index;
    this.begin(index, event.shiftKey);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const index = this.under(event);
    if (this.dragging < 0 || !event.buttons || index < 0 || index === this.dragging) return;
    this.dragging = index;
    this.choose(this.anchor, index);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { bars, active } = this;
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -active, End: bars.children.length - 1 - active }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.active = Math.min(Math.max(0, active + step), bars.children.length - 1);
    [...bars.children].forEach((bar, index) => {
      /** @type {HTMLElement} */ (bar).tabIndex = index === this.active ? 0 : -1;
    });
    /** @type {HTMLElement} */ (bars.children[this.active]).focus();
  }

  /** @param {Summary} found */
  build(found) {
    const most = Math.max(1, ...found.bars.map((bar) => bar.count));
    const columns = found.bars.map((bar, index) => {
      const node = make("button", "dj-column", { type: "button", tabindex: index === this.active ? "0" : "-1", title: `${bar.label}: ${bar.count}`, "aria-label": `${bar.label}: ${bar.count} rows` });
      const fill = make("span", "dj-column-fill");
      fill.style.height = bar.count ? `${Math.max(4, (100 * bar.count) / most)}%` : "0";
      node.append(fill);
      return node;
    });
    this.bars.replaceChildren(...columns);
    const notes = [found.missing ? `${found.missing} missing` : "", found.sampled ? "of the first rows" : ""].filter(Boolean).join(", ");
    this.ends.replaceChildren(make("span", "", {}, shortened(found.low)), make("span", "", {}, notes), make("span", "", {}, shortened(found.high)));
  }

  /** @param {Condition} range */
  update(range) {
    const found = /** @type {Summary | undefined} */ (this.state.learn("values", { table: this.table, name: range.name }));
    this.el.hidden = !found?.histogram;
    if (!found?.histogram) return;
    if (this.summary !== found) this.build(found);
    this.summary = found;
    found.bars.forEach((bar, index) => {
      this.bars.children[index].setAttribute("aria-pressed", this.covered(bar, range.low, range.high));
    });
  }

  /** Whether a range covers a bar: wholly, in part, or not. @param {Bar} bar @param {string | null} low @param {string | null} high */
  covered(bar, low, high) {
    if (!low && !high) return "false";
    const number = this.attribute?.input === "number";
    const reach = (/** @type {string} */ a, /** @type {string} */ b) => (number ? Number(a) <= Number(b) : a <= b);
    if ((!low || reach(low, bar.low)) && (!high || reach(bar.high, high))) return "true";
    return (low && reach(bar.high, low)) || (high && reach(high, bar.low)) ? "false" : "mixed";
  }
}
