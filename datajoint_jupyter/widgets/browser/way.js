// @ts-check
// What the rows are: the way along foreign keys to them, and the filters on them.

class Way {
  trail = make("nav", "dj-trail", { "aria-label": "The way here" });
  chips = make("ul", "dj-chips", { "aria-label": "Filters" });

  /**
   * @param {Model} model @param {Pages} pages
   * @param {{focus: () => void, filter: () => HTMLElement | undefined}} grid with the button that opens the filters
   */
  constructor(model, pages, grid) {
    this.model = model;
    this.pages = pages;
    this.grid = grid;
  }

  paint() {
    this.paintTrail();
    this.paintChips();
  }

  paintTrail() {
    /** @type {string[]} */
    const trail = this.model.get("trail");
    this.trail.hidden = !trail.length;
    this.trail.replaceChildren();
    if (!trail.length) return;
    const list = make("ol", "dj-plain");
    trail.forEach((title, step) => {
      const item = make("li", "");
      const button = pushButton(title, "", "dj-crumb");
      button.addEventListener("click", async () => {
        if (await this.pages.request("return", { step })) this.grid.focus();
      });
      item.append(button);
      list.append(item);
    });
    const here = make("li", "");
    here.append(make("span", "", { "aria-current": "page" }, this.model.get("title")));
    list.append(here);
    this.trail.append(list);
  }

  paintChips() {
    /** @type {string[]} */
    const filters = this.model.get("filters");
    const inside = this.chips.contains(document.activeElement);
    this.chips.hidden = !filters.length;
    this.chips.replaceChildren();
    filters.forEach((label, place) => {
      const chip = make("li", "dj-chip");
      const remove = pushButton("×", `Remove the filter ${label}`, "dj-remove");
      remove.addEventListener("click", () => this.remove(label, place));
      chip.append(make("span", "", {}, label), remove);
      this.chips.append(chip);
    });
    if (filters.length > 1) {
      const item = make("li", "");
      const clear = pushButton("Clear all filters", "", "dj-crumb");
      clear.addEventListener("click", () => this.pages.request("unfilter", { place: null }));
      item.append(clear);
      this.chips.append(item);
    }
    if (inside) (this.chips.querySelector("button") ?? this.grid.filter())?.focus();
  }

  /** Remove the filter that was clicked, wherever it is by now. @param {string} label @param {number} place */
  remove(label, place) {
    /** @type {string[]} */
    const filters = this.model.get("filters");
    const now = filters[place] === label ? place : filters.indexOf(label);
    if (now >= 0) this.pages.request("unfilter", { place: now });
  }
}
