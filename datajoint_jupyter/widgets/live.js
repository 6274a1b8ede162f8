// @ts-check
// What all views share; put in front of each widget's module.

/**
 * What the front end gives a view to talk to its kernel side.
 * @typedef {{get(name: string): any, set(name: string, value: any): void, save_changes(): void,
 *            on(event: string, callback: (...args: any[]) => void): void,
 *            off(event: string, callback?: (...args: any[]) => void): void,
 *            send(content: any): void}} Model
 */

const FOCUSED = new Set(["button", "select", "summary"]);

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {string} className @param {Record<string, string>} [attributes] @param {string} [text]
 * @returns {HTMLElementTagNameMap[T]}
 */
function make(tag, className, attributes = {}, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  // On what is no text field, the notebook would take keys for its own: x cuts the cell.
  if (FOCUSED.has(tag) || "tabindex" in attributes) node.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

/**
 * Hide the static twin where the front end's own classes, which our style sheet relies on, do not exist.
 * @param {string} key @param {HTMLElement} el
 */
function hideTwin(key, el) {
  if (el.closest(".jp-OutputArea-child")) return;
  const twin = document.querySelector(`[data-dj-static="${CSS.escape(key)}"]`);
  if (twin instanceof HTMLElement) twin.hidden = true;
}
