// @ts-check
// A column at a glance, to filter by; and one value in full.

/** Bars of a column; each adds a filter, a drag over several adds their range. */
class SummaryView {
  root = make("div", "dj-summary");
  /** @type {HTMLButtonElement[]} */
  buttons = [];

  /** @param {Summary} summary @param {(condition: object) => void} add */
  constructor(summary, add) {
    this.summary = summary;
    this.add = add;
    const most = Math.max(1, ...summary.bars.map((bar) => bar.count));
    const facts = make("div", "dj-facts");
    const low = summary.low === null ? "" : ` · from ${summary.low} to ${summary.high}`;
    const distinct = summary.distinct === null ? "" : ` · ${spell(summary.distinct)} distinct`;
    const rows = summary.sampled ? `the first ${spell(summary.rows)} rows, since all take too long` : `${spell(summary.rows)} rows`;
    facts.append(make("span", "", {}, rows + distinct + low));
    if (summary.missing) {
      const missing = pushButton(`${spell(summary.missing)} missing`, `${spell(summary.missing)} missing: show only these`);
      missing.addEventListener("click", () => add({ kind: "missing", name: summary.name }));
      facts.append(missing);
    }
    this.root.append(facts);
    if (!summary.bars.length) return;
    const group = make("div", summary.histogram ? "dj-histogram" : "dj-top", {
      role: "group",
      "aria-label": summary.histogram ? `Distribution of ${summary.name}` : `Most frequent values of ${summary.name}`,
    });
    this.buttons = summary.bars.map((bar) => this.bar(bar, bar.count / most));
    group.append(...this.buttons);
    this.root.append(group);
    if (summary.histogram) {
      this.drag(group);
      const axis = make("div", "dj-axis", { "aria-hidden": "true" });
      const last = summary.bars[summary.bars.length - 1];
      axis.append(make("span", "", {}, summary.bars[0].low), make("span", "", {}, "click a bar, or drag over several"), make("span", "", {}, last.high));
      this.root.append(axis);
    }
  }

  /** @param {Bar} bar @param {number} share */
  bar(bar, share) {
    const said = `${bar.label}: ${spell(bar.count)} row${bar.count === 1 ? "" : "s"}`;
    const button = make("button", "dj-bar-button", { type: "button", "aria-label": said, title: said });
    button.style.setProperty("--dj-share", `${Math.max(bar.count ? 2 : 0, Math.round(share * 100))}%`);
    if (this.summary.histogram) {
      button.append(make("span", "dj-column"));
    } else {
      button.append(make("span", "dj-value", {}, bar.label || "(empty text)"), make("span", "dj-count", {}, spell(bar.count)));
    }
    button.disabled = !bar.condition;
    button.addEventListener("click", () => {
      if (bar.condition) this.add(bar.condition);
    });
    return button;
  }

  /** @param {HTMLElement} group */
  drag(group) {
    const { buttons } = this;
    /** @param {number} x */
    const under = (x) => {
      const found = buttons.findIndex((button) => x < button.getBoundingClientRect().right);
      return found < 0 ? buttons.length - 1 : found;
    };
    let from = -1;
    let to = -1;
    const paint = () => {
      const [first, last] = [Math.min(from, to), Math.max(from, to)];
      buttons.forEach((button, index) => button.classList.toggle("dj-dragged", from >= 0 && index >= first && index <= last));
    };
    group.addEventListener("pointerdown", (event) => {
      from = to = under(event.clientX);
    });
    group.addEventListener("pointermove", (event) => {
      if (from < 0 || event.buttons === 0) return;
      to = under(event.clientX);
      // From the second bar on the group has the pointer, so that no bar is clicked.
      if (to !== from && !group.hasPointerCapture(event.pointerId)) group.setPointerCapture(event.pointerId);
      paint();
    });
    const end = () => {
      const [first, last] = [Math.min(from, to), Math.max(from, to)];
      from = to = -1;
      paint();
      if (first >= 0 && last > first) this.add(this.range(this.summary.bars[first], this.summary.bars[last]));
    };
    group.addEventListener("pointerup", end);
    group.addEventListener("pointercancel", () => {
      from = to = -1;
      paint();
    });
  }

  /** @param {Bar} first @param {Bar} last */
  range(first, last) {
    const { name } = this.summary;
    if (!last.open) return { kind: "between", name, low: first.low, high: last.high };
    const items = [
      { kind: "compare", name, operator: ">=", value: first.low },
      { kind: "compare", name, operator: "<", value: last.high },
    ];
    return { kind: "group", how: "and", items };
  }
}

/** @param {Content} content */
function contentView(content) {
  const root = make("div", "dj-content");
  const line = [content.title, content.note].filter(Boolean).join(" · ");
  root.append(make("div", "dj-muted", {}, line));
  if (content.image.startsWith("data:image/")) {
    root.append(make("img", "dj-image", { src: content.image, alt: line }));
  }
  if (content.path) root.append(make("code", "dj-path", {}, content.path));
  if (content.text) root.append(make("pre", "", { tabindex: "0" }, content.text));
  return root;
}
