// @ts-check
// The restriction builder's page: a tree of conditions. The kernel reads the tree, counts and writes the code; what is
// typed goes there whole, and comes back to all views.

/** One view of the tree. */
class Board {
  root = make("div", "dj-builder dj-live", { "data-lm-suppress-shortcuts": "true", role: "region" });
  title = make("span", "dj-title");
  status = make("span", "dj-status", { role: "status", "aria-live": "polite" });
  refreshButton = hintButton("Refresh", "Look the tables up and count the rows again");
  alert = make("div", "dj-alert", { role: "alert" });
  python = make("pre", "dj-code", { tabindex: "0", "aria-label": "Python", role: "region" });
  sql = make("pre", "dj-code", { tabindex: "0", "aria-label": "SQL", role: "region" });
  said = make("span", "dj-said", { role: "status", "aria-live": "polite" });
  browseButton = hintButton("Open in browser", "Show the rows under these conditions");
  closeButton = hintButton("Close browser");
  keepName = make("input", "dj-input dj-short", { type: "text", "aria-label": "Name of the variable", placeholder: "name", spellcheck: "false" });
  keepButton = hintButton("Keep", "Make the query a variable of the notebook");
  rows = make("div", "dj-rows");

  shownBrowser = "";
  /** @type {any} */
  browser = null;

  redraw = () => this.paint();

  /** @param {Model} model @param {Tree} tree @param {HTMLElement} el */
  constructor(model, tree, el) {
    this.model = model;
    this.state = tree;
    this.parts = new Parts(model, tree);
    this.build(el);
    this.state.listeners.add(this.redraw);
    this.impatience = setInterval(() => {
      this.state.lookAgain();
      this.state.drawing.do("status", () => this.paintStatus());
    }, 500);
    this.paint();
  }

  /** @param {HTMLElement} el */
  build(el) {
    const bar = make("div", "dj-bar");
    bar.append(this.title, this.status, this.refreshButton);
    const keep = make("span", "dj-keep");
    keep.append(make("span", "", {}, "keep as"), this.keepName, this.keepButton);
    const actions = make("div", "dj-bar dj-actions");
    actions.append(this.browseButton, this.closeButton, keep, this.said);
    this.root.append(bar, this.alert, this.parts.el, this.codeBox("Python", this.python, true), this.codeBox("SQL", this.sql, false), actions, this.rows);
    el.append(this.root);
    this.refreshButton.addEventListener("click", () => this.state.refresh());
    this.browseButton.addEventListener("click", () => this.state.do("browse", {}, "The browser is open"));
    this.closeButton.addEventListener("click", () => {
      this.browseButton.focus();
      this.state.do("close browser", {}, "The browser is closed");
    });
    const keepIt = () => this.state.do("keep", { name: this.keepName.value.trim() }, `Kept as ${this.keepName.value.trim()}`);
    this.keepButton.addEventListener("click", keepIt);
    this.keepName.addEventListener("keydown", (event) => {
      if (event.key === "Enter") keepIt();
    });
  }

  /** @param {string} name @param {HTMLElement} pre @param {boolean} open */
  codeBox(name, pre, open) {
    const box = make("details", "dj-code-box");
    box.open = open;
    const copy = hintButton(`Copy ${name}`);
    copy.addEventListener("click", () => this.copy(name, pre.textContent ?? ""));
    box.append(make("summary", "", {}, name), pre, copy);
    if (name === "Python") box.append(make("span", "dj-muted", {}, "%dj code puts it into the next cell."));
    return box;
  }

  /** @param {string} name @param {string} text */
  async copy(name, text) {
    this.state.said = "";
    try {
      await navigator.clipboard.writeText(text);
      this.state.said = `${name} copied`;
    } catch {
      this.state.said = `The page may not copy: select the ${name} text and copy it`;
    }
    this.paintStatus();
  }

  destroy() {
    this.state.listeners.delete(this.redraw);
    clearInterval(this.impatience);
    this.browser?.remove?.();
    this.root.remove();
  }

  // --- drawing
  paint() {
    this.title.textContent = `${this.model.get("title")}, restricted to`;
    this.root.setAttribute("aria-label", `Restriction of ${this.model.get("title")}`);
    this.parts.paint();
    const texts = this.model.get("texts");
    for (const [pre, text] of /** @type {[HTMLElement, string][]} */ ([[this.python, texts.python], [this.sql, texts.sql]])) {
      if (pre.textContent !== text) pre.textContent = text;
    }
    this.paintStatus();
    this.paintBrowser();
  }

  paintStatus() {
    const total = this.model.get("total");
    const all = this.model.get("counts")[this.state.root.id];
    const whole = !this.state.root.items.length && total.text ? total : all;
    let text = whole && total.text ? (whole === total ? total.text : `${whole.text.replace(/ rows?$/, "")} of ${total.text}`) : "counting rows…";
    if (this.state.late) text += " · waiting for the kernel, which is busy";
    if (this.status.textContent !== text) this.status.textContent = text;
    if (this.said.textContent !== this.state.said) this.said.textContent = this.state.said;
    const { error, detail } = this.state;
    if (this.alert.dataset.error === error) return;
    this.alert.dataset.error = error;
    this.alert.hidden = !error;
    this.alert.replaceChildren();
    if (!error) return;
    const more = make("details", "");
    more.append(make("summary", "", {}, "Traceback"), make("pre", "", { tabindex: "0" }, detail));
    this.alert.append(make("span", "dj-message", {}, error), more);
  }

  async paintBrowser() {
    const id = this.model.get("browser_id");
    this.closeButton.hidden = !id;
    this.browseButton.textContent = id ? "Show these rows" : "Open in browser";
    if (id === this.shownBrowser) return;
    this.shownBrowser = id;
    this.browser?.remove?.();
    this.browser = null;
    this.rows.replaceChildren();
    if (!id) return;
    const manager = /** @type {any} */ (this.model).widget_manager;
    if (!manager?.create_view) {
      this.rows.textContent = "This front end shows no widget in another: evaluate builder.browser in a cell.";
      return;
    }
    const view = await manager.create_view(await manager.get_model(id));
    if (this.shownBrowser !== id || !this.root.isConnected) {
      view.remove();
      return;
    }
    this.browser = view;
    this.rows.append(view.el);
    view.trigger?.("displayed");
  }

}

export default () => {
  /** @type {Tree | undefined} */
  let tree;
  return {
    /** @param {{model: Model}} context */
    initialize({ model }) {
      tree = new Tree(model);
      return () => tree?.destroy();
    },
    /** @param {{model: Model, el: HTMLElement}} context */
    render({ model, el }) {
      const board = new Board(model, tree ?? new Tree(model), el);
      requestAnimationFrame(() => hideTwin(model.get("twin_key"), el));
      return () => board.destroy();
    },
  };
};
