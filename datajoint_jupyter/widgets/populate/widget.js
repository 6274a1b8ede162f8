// @ts-check
// The live view of a run of populate. All numbers are spelled by the kernel; the page only draws them.

/**
 * @typedef {{table: string, state: string, over: boolean, total: number | null, done: number, failed: number,
 *            headline: string, detail: string, key: string, fraction: number | null, note: string}} Progress
 * @typedef {{key: string, message: string, traceback: string}} Failure
 */

/** @type {Record<string, string>} */
const SIGNS = { waiting: "…", running: "▶", stopping: "◼", finished: "✓", stopped: "◼", failed: "✗" };

class View {
  root = make("div", "dj-populate dj-live", { "data-lm-suppress-shortcuts": "true" });
  sign = make("span", "dj-sign", { "aria-hidden": "true" });
  headline = make("span", "dj-headline", { role: "status", "aria-live": "polite" });
  detail = make("span", "dj-detail");
  stop = make("button", "dj-button", { type: "button", title: "Stop after the current key" }, "Stop");
  bar = make("div", "dj-progress", { role: "progressbar", "aria-valuemin": "0" });
  good = make("div", "dj-part dj-good");
  bad = make("div", "dj-part dj-bad-part");
  now = make("div", "dj-part dj-now");
  key = make("div", "dj-current");
  alert = make("div", "dj-alert", { role: "alert" });
  failures = make("div", "dj-failures");
  serial = 0;
  prefix = Math.random().toString(36).slice(2);

  paint = () => this.paintProgress(this.model.get("progress"));
  list = () => this.paintErrors(this.model.get("errors"));

  /** @param {any} message */
  receive = (message) => {
    if (message?.kind !== "error" || !String(message.id).startsWith(`${this.prefix}:`)) return;
    this.alert.textContent = message.payload.message;
    this.alert.hidden = false;
    this.stop.disabled = false;
  };

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    const table = model.get("progress").table;
    const line = make("div", "dj-bar");
    const title = make("span", "dj-title", {}, `Populate ${table}`);
    line.append(this.sign, title, this.headline, this.detail, this.stop);
    this.bar.setAttribute("aria-label", `Populate ${table}`);
    this.bar.append(this.good, this.bad, this.now);
    this.alert.hidden = true;
    this.root.append(line, this.bar, this.key, this.alert, this.failures);
    el.append(this.root);
    this.stop.addEventListener("click", () => {
      this.stop.disabled = true;
      this.serial += 1;
      model.send({ id: `${this.prefix}:${this.serial}`, kind: "stop", payload: {} });
    });
    model.on("change:progress", this.paint);
    model.on("change:errors", this.list);
    model.on("msg:custom", this.receive);
    this.paint();
    this.list();
  }

  /** @param {Progress} progress */
  paintProgress(progress) {
    const total = Math.max(1, progress.total ?? 1);
    const share = (/** @type {number} */ count) => `${(100 * Math.min(count, total)) / total}%`;
    this.root.dataset.state = progress.state;
    this.root.dataset.failed = String(progress.failed > 0);
    this.sign.textContent = progress.state === "finished" && progress.failed > 0 ? "!" : SIGNS[progress.state] ?? "";
    if (this.headline.textContent !== progress.headline) this.headline.textContent = progress.headline;
    this.detail.textContent = progress.detail;
    const complete = progress.over && progress.total === 0;
    this.good.style.width = complete ? "100%" : share(progress.done - progress.failed);
    this.bad.style.width = share(progress.failed);
    this.now.style.width = progress.key ? share(progress.fraction ?? 1) : "0";
    if (progress.key && progress.fraction !== null) this.now.style.width = `${(100 * progress.fraction) / total}%`;
    this.now.classList.toggle("dj-unknown", progress.fraction === null);
    this.bar.setAttribute("aria-valuemax", String(total));
    this.bar.setAttribute("aria-valuenow", String(complete ? total : progress.done));
    this.bar.setAttribute("aria-valuetext", progress.headline);
    this.key.textContent = progress.key ? `${progress.key}${progress.note ? ` — ${progress.note}` : ""}` : "";
    this.key.hidden = progress.over;
    this.stop.hidden = progress.over;
    this.stop.disabled = progress.state === "stopping";
  }

  /** @param {Failure[]} errors */
  paintErrors(errors) {
    const opened = new Set([...this.failures.querySelectorAll("details[open]")].map((node) => node.getAttribute("data-key")));
    this.failures.replaceChildren(
      ...errors.map((error) => {
        const item = make("details", "dj-failure", { "data-key": error.key });
        item.open = opened.has(error.key);
        const summary = make("summary", "");
        if (error.key) summary.append(make("code", "dj-failed-key", {}, error.key), " ");
        summary.append(make("span", "dj-message", {}, error.message));
        item.append(summary, make("pre", "", {}, error.traceback));
        return item;
      }),
    );
  }

  destroy() {
    this.model.off("change:progress", this.paint);
    this.model.off("change:errors", this.list);
    this.model.off("msg:custom", this.receive);
    this.root.remove();
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
