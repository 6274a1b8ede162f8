// @ts-check
// Work on several tables, seen and steered. All numbers that are read are spelled by the kernel; the page draws them.

/**
 * @typedef {{name: string, state: string, text: string, pace: string, total: number, done: number, failed: number,
 *            running: number}} TableLine
 * @typedef {{table: string, key: string, fraction: number | null, note: string, since: string, who: string}} Running
 * @typedef {{id: string, name: string, user: string, schema: string, state: string, text: string}} Member
 * @typedef {{phase: string, phase_text: string, headline: string, detail: string, workers: number, kind: string,
 *            processes: number, can: Record<string, boolean>, computes: boolean, note: string, problem: string,
 *            error: string | null, tables: TableLine[], running: Running[], more_running: number, staff: Member[],
 *            stale: number}} State
 * @typedef {{id: string, key: string, code: string, message: string, traceback: string, time: string}} Failure
 * @typedef {{id: string, table: string, error: string, place: string, count: string, more: number,
 *            keys: Failure[]}} Kind
 */

/** @type {Record<string, string>} */
const SIGNS = { done: "✓", failed: "!", running: "▶", waiting: "…", empty: "–" };
/** @type {Record<string, string>} */
const SAID = { done: "all done", failed: "some failed", running: "at work", waiting: "waiting", empty: "no keys" };
/** @type {Record<string, string>} */
const LIFE = { alive: "●", silent: "◌", gone: "✗" };
/** @type {Record<string, string>} */
const LIFE_SAID = { alive: "alive", silent: "silent", gone: "gone" };

class PanelView {
  root = make("div", "dj-work dj-live", { "data-lm-suppress-shortcuts": "true", role: "group", "aria-label": "Populate" });
  headline = make("span", "dj-headline");
  phase = make("span", "dj-phase", { role: "status", "aria-live": "polite" });
  detail = make("span", "dj-detail");
  count = make("input", "dj-input dj-count", { type: "number", min: "1", max: "32", "aria-label": "Number of workers" });
  kind = make("select", "dj-input dj-kind", { "aria-label": "Kind of workers" });
  start = this.button("Start", "Compute what is missing, with so many workers", () => this.begin("start"));
  pause = this.button("Pause", "Take no new keys; those that are being made are finished", () => this.ask("pause"));
  resume = this.button("Resume", "Go on, with so many workers", () => this.begin("resume"));
  stop = this.button("Stop", "End after the keys that are being made", () => this.ask("stop"));
  kill = this.button("Kill", "End at once; keys that are being made are rolled back and stay in the queue", () => this.ask("kill"));
  note = make("div", "dj-remark");
  problem = make("div", "dj-alert dj-problem", { role: "alert" });
  alert = make("div", "dj-alert dj-answer", { role: "alert" });
  tables = make("div", "dj-tables", { role: "list", "aria-label": "Tables" });
  runningHead = make("h4", "dj-head", {}, "Keys that are being made");
  running = make("ul", "dj-running", { "aria-label": "Keys that are being made" });
  staffHead = make("h4", "dj-head", {}, "Workers");
  staff = make("ul", "dj-staff", { "aria-label": "Workers" });
  recover = this.button("Recover", "Give the keys of workers that are gone back to the queue", () => this.ask("recover"));
  failuresHead = make("h4", "dj-head", {}, "Errors");
  failures = make("div", "dj-failures", { role: "region", "aria-label": "Errors", tabindex: "0" });
  said = make("span", "dj-said", { role: "status", "aria-live": "polite" });
  touched = false;
  /** @type {Map<string, HTMLElement>} */
  lines = new Map();

  drawing = new Drawing();

  paint = () => this.drawing.do("state", () => this.paintState(this.model.get("state")));
  list = () => this.drawing.do("failures", () => this.paintFailures(this.model.get("failures")));

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.questions = new Questions(model);
    for (const kind of ["threads", "processes"]) this.kind.append(make("option", "", { value: kind }, kind));
    for (const field of [this.count, this.kind]) field.addEventListener("input", () => (this.touched = true));
    const line = make("div", "dj-bar");
    line.append(make("span", "dj-title", {}, "Populate"), this.headline, this.phase, this.detail);
    this.controls = make("div", "dj-bar dj-controls", { role: "toolbar", "aria-label": "Work here" });
    this.controls.append(this.count, this.kind, this.start, this.pause, this.resume, this.stop, this.kill, this.said);
    this.alert.hidden = this.problem.hidden = true;
    const staffLine = make("div", "dj-headline-row");
    staffLine.append(this.staffHead, this.recover);
    this.root.append(
      line, this.controls, this.questions.late, this.note, this.problem, this.alert, this.tables, this.runningHead, this.running, staffLine,
      this.staff, this.failuresHead, this.failures,
    );
    el.append(this.root);
    model.on("change:state", this.paint);
    model.on("change:failures", this.list);
    this.paint();
    this.list();
  }

  /** @param {string} label @param {string} title @param {() => void} act */
  button(label, title, act) {
    const node = make("button", "dj-button", { type: "button", title }, label);
    node.addEventListener("click", act);
    return node;
  }

  /** @param {string} kind @param {Record<string, unknown>} [payload] */
  async ask(kind, payload = {}) {
    this.root.setAttribute("aria-busy", "true");
    this.fail("");
    try {
      await this.questions.ask(kind, payload);
    } catch (error) {
      this.fail(/** @type {{message: string}} */ (error).message);
    } finally {
      if (!this.questions.open.size) this.root.removeAttribute("aria-busy");
    }
  }

  /** @param {string} message */
  fail(message) {
    this.alert.hidden = !message;
    this.alert.textContent = message;
  }

  /** @param {string} kind */
  begin(kind) {
    const workers = Math.round(Number(this.count.value));
    if (!(workers >= 1 && workers <= 32)) {
      this.fail("The number of workers is from 1 to 32.");
      this.count.focus();
      return;
    }
    this.touched = false;
    this.ask(kind, { workers, kind: this.kind.value });
  }

  /** @param {State} state */
  paintState(state) {
    const active = this.root.ownerDocument.activeElement;
    this.root.dataset.phase = state.phase;
    write(this.headline, state.headline);
    write(this.phase, state.phase_text);
    write(this.detail, state.detail);
    if (!this.touched) {
      this.count.value = String(state.workers);
      this.kind.value = state.kind;
    }
    /** @type {[HTMLElement, string][]} */
    const buttons = [[this.start, "start"], [this.pause, "pause"], [this.resume, "resume"], [this.stop, "stop"], [this.kill, "kill"]];
    for (const [button, name] of buttons) button.hidden = !state.can[name];
    // Who has pressed one of them by keyboard goes on from the one that took its place.
    if (active instanceof HTMLElement && buttons.some(([button]) => button === active) && active.hidden)
      buttons.find(([button]) => !button.hidden)?.[0].focus();
    this.count.hidden = this.kind.hidden = !(state.can.start || state.can.resume);
    this.controls.hidden = !state.computes;
    write(this.note, state.note);
    this.note.hidden = !state.note;
    const trouble = state.problem ? `The database cannot be asked, and is tried again: ${state.problem}` : state.error ?? "";
    write(this.problem, trouble);
    this.problem.hidden = !trouble;
    this.paintTables(state.tables);
    const more = state.more_running ? [make("li", "dj-more", {}, `and ${state.more_running} more`)] : [];
    this.running.replaceChildren(...state.running.map((key) => this.runningItem(key)), ...more);
    this.running.hidden = this.runningHead.hidden = !state.running.length;
    this.staff.replaceChildren(...state.staff.map((member) => this.member(member)));
    this.staff.hidden = this.staffHead.hidden = !state.staff.length;
    this.recover.hidden = !state.can.recover;
  }

  /** @param {TableLine[]} tables */
  paintTables(tables) {
    for (const table of tables) {
      let line = this.lines.get(table.name);
      if (!line) {
        line = make("div", "dj-table-line", { role: "listitem", "data-table": table.name });
        const bar = make("div", "dj-progress", { role: "progressbar", "aria-valuemin": "0", "aria-label": table.name });
        bar.append(make("div", "dj-part dj-good"), make("div", "dj-part dj-bad-part"), make("div", "dj-part dj-now"));
        line.append(
          make("span", "dj-sign"), make("span", "dj-name", {}, table.name), bar, make("span", "dj-text"), make("span", "dj-pace"),
        );
        this.lines.set(table.name, line);
        this.tables.append(line);
      }
      const [sign, , bar, text, pace] = /** @type {HTMLElement[]} */ ([...line.children]);
      line.dataset.state = table.state;
      write(sign, SIGNS[table.state] ?? "");
      sign.title = SAID[table.state] ?? "";
      write(text, table.text);
      write(pace, table.pace);
      const total = Math.max(1, table.total);
      const parts = /** @type {HTMLElement[]} */ ([...bar.children]);
      [table.done, table.failed, table.running].forEach((count, i) => (parts[i].style.width = `${(100 * count) / total}%`));
      bar.setAttribute("aria-valuemax", String(total));
      bar.setAttribute("aria-valuenow", String(table.done));
      bar.setAttribute("aria-valuetext", `${SAID[table.state] ?? ""}: ${table.text}`);
    }
  }

  /** @param {Running} key */
  runningItem(key) {
    const item = make("li", "dj-running-key");
    item.append(make("span", "dj-of", {}, key.table), make("code", "dj-code", {}, key.key));
    if (key.fraction !== null) {
      const percent = Math.round(100 * key.fraction);
      const bar = make("span", "dj-progress dj-small", {
        role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(percent), "aria-label": key.key,
      });
      const part = make("span", "dj-part dj-now");
      part.style.width = `${percent}%`;
      bar.append(part);
      item.append(bar, make("span", "dj-percent", {}, `${percent} %`));
    }
    if (key.note) item.append(make("span", "dj-said-note", {}, key.note));
    item.append(make("span", "dj-who", {}, [key.since, key.who].filter(Boolean).join(" · ")));
    return item;
  }

  /** @param {Member} member */
  member(member) {
    const item = make("li", "dj-member", { "data-state": member.state });
    item.append(
      make("span", "dj-life", { "aria-hidden": "true" }, LIFE[member.state] ?? ""),
      make("span", "dj-name", {}, member.name),
      make("span", "dj-mark", {}, LIFE_SAID[member.state] ?? ""),
      make("span", "dj-who", {}, `${member.user} on ${member.schema} · ${member.text}`),
    );
    return item;
  }

  /** @param {Kind[]} kinds */
  paintFailures(kinds) {
    const opened = new Set([...this.failures.querySelectorAll("details[open]")].map((node) => node.getAttribute("data-id")));
    const active = this.root.ownerDocument.activeElement;
    const focus = active && this.failures.contains(active) ? active.getAttribute("data-focus") : null;
    this.failures.replaceChildren(...kinds.map((kind) => this.kindItem(kind, opened)));
    this.failures.hidden = this.failuresHead.hidden = !kinds.length;
    if (focus === null) return;
    const again = this.failures.querySelector(`[data-focus="${CSS.escape(focus)}"]`);
    if (again instanceof HTMLElement) again.focus();
    else if (kinds.length) this.failures.focus();
    else [this.start, this.pause, this.resume, this.stop].find((button) => !button.hidden)?.focus();
  }

  /** @param {Kind} kind @param {Set<string | null>} opened */
  kindItem(kind, opened) {
    const item = make("details", "dj-kind-of-error", { "data-id": kind.id });
    item.open = opened.has(kind.id);
    const summary = make("summary", "", { "data-focus": kind.id });
    summary.append(
      make("span", "dj-message", {}, kind.error),
      make("span", "dj-where", {}, ` in ${kind.table}${kind.place ? `, ${kind.place}` : ""} `),
      make("span", "dj-tally", {}, kind.count),
    );
    const deeds = make("div", "dj-deeds");
    deeds.append(this.deed("Retry all", "retry", kind.id), this.deed("Ignore all", "ignore", kind.id));
    item.append(summary, deeds, ...kind.keys.map((failure) => this.failureItem(failure, opened)));
    if (kind.more) item.append(make("div", "dj-more", {}, `and ${kind.more} more`));
    return item;
  }

  /** @param {Failure} failure @param {Set<string | null>} opened */
  failureItem(failure, opened) {
    const item = make("details", "dj-failure", { "data-id": failure.id });
    item.open = opened.has(failure.id);
    const summary = make("summary", "", { "data-focus": failure.id });
    summary.append(make("code", "dj-code", {}, failure.key), " ", make("span", "dj-message", {}, failure.message));
    const deeds = make("div", "dj-deeds");
    const copy = this.button("Copy key", "Copy the key as Python", () => this.copy(failure.code));
    copy.setAttribute("data-focus", `${failure.id} copy`);
    deeds.append(this.deed("Retry", "retry", failure.id), this.deed("Ignore", "ignore", failure.id), copy);
    if (failure.time) deeds.append(make("span", "dj-who", {}, failure.time));
    item.append(summary, deeds);
    if (failure.traceback) item.append(make("pre", "", { tabindex: "0", "aria-label": "Traceback" }, failure.traceback));
    return item;
  }

  /** @param {string} label @param {string} kind @param {string} id */
  deed(label, kind, id) {
    const title = kind === "retry" ? "Put back into the queue" : "Mark as not to be computed";
    const node = this.button(label, title, () => this.ask(kind, { ids: [id] }));
    node.setAttribute("data-focus", `${id} ${kind}`);
    return node;
  }

  /** @param {string} text */
  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      write(this.said, "Copied.");
    } catch {
      write(this.said, text); // a page that may not write to the clipboard shows what to copy
    }
  }

  destroy() {
    this.model.off("change:state", this.paint);
    this.model.off("change:failures", this.list);
    this.questions.close();
    this.drawing.close();
    this.root.remove();
  }
}

/** @param {HTMLElement} node @param {string} text */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export default {
  /** @param {{model: Model, el: HTMLElement}} context */
  render({ model, el }) {
    const view = new PanelView(model, el);
    requestAnimationFrame(() => hideTwin(model.get("twin_key"), el));
    return () => view.destroy();
  },
};
