// @ts-check
// Buttons, menus, and children put in order.

/** @param {string} label @param {string} [hint] */
const hintButton = (label, hint = "") => make("button", "dj-button", hint ? { type: "button", title: hint } : { type: "button" }, label);

/**
 * @param {string} label @param {[string, string][]} options values and texts @param {string} value
 * @returns {HTMLSelectElement}
 */
function menuOf(label, options, value) {
  const select = make("select", "dj-menu", { "aria-label": label });
  for (const [key, text] of options) select.append(make("option", "", { value: key }, text));
  if (!options.some(([key]) => key === value)) select.prepend(make("option", "", { value }, value || "choose…"));
  select.value = value;
  return select;
}

/** Put children in this order without moving those that are in place: moving takes the focus away. @param {HTMLElement} parent @param {HTMLElement[]} children */
function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}
