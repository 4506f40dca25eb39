// Streamlit's dialogs by keyboard. Its focus trap does not see what components draw in their own trees: Tab would pass them by.
// And when a dialog is gone, the focus would begin at the top of the page: it returns to what opened it.
const DIALOG = "[role=dialog][aria-modal=true], [role=alertdialog], section[role=dialog]";
const REACHABLE = "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable=true]";
const REMEMBERED = 8;

function focused() {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return one;
}

function isShown(one) {
  return one.isConnected && one.checkVisibility({ visibilityProperty: true });
}

// Of radio buttons of a group the chosen one alone is a stop.
function isStop(one) {
  if (!one.matches(REACHABLE) || one.tabIndex < 0 || one.disabled || !isShown(one)) return false;
  return one.type !== "radio" || one.checked
    || !one.getRootNode().querySelector(`input[type=radio][name="${CSS.escape(one.name)}"]:checked`);
}

// In the order of the Tab key, and the place of the focus among them even where Tab does not stop there.
function stopsIn(root, here, found = []) {
  for (const one of root.querySelectorAll("*")) {
    if (one === here || isStop(one)) found.push(one);
    if (one.shadowRoot) stopsIn(one.shadowRoot, here, found);
  }
  return found;
}

const isOfComponent = (one) => one?.getRootNode() instanceof ShadowRoot;

function tabbed(event) {
  if (event.key !== "Tab" || event.altKey || event.ctrlKey || event.metaKey) return;
  const dialog = [...document.querySelectorAll(DIALOG)].at(-1);
  if (!dialog) return;
  const here = focused();
  const stops = stopsIn(dialog, here);
  const at = stops.indexOf(here);
  const next = event.shiftKey ? stops.at(at < 0 ? -1 : at - 1) : stops[(at + 1) % stops.length];
  if (!next || !(isOfComponent(here) || isOfComponent(next))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  next.focus();
}

// Once for the window: pages come and go, what listens here stays.
function mindDialogs() {
  /** @type {any} */
  const shared = window;
  if (shared.vislrpDialogs) return;
  shared.vislrpDialogs = true;
  const openers = [];
  let open = false;
  window.addEventListener("keydown", tabbed, true);
  document.addEventListener("focusin", (event) => {
    const [target, ...around] = event.composedPath();
    if ([target, ...around].some((one) => one instanceof Element && one.matches(DIALOG))) return;
    openers.push(target);
    openers.splice(0, openers.length - REMEMBERED);
  }, true);
  const giveBack = () => {
    if (!document.querySelector(DIALOG) && document.activeElement === document.body) openers.findLast(isShown)?.focus();
  };
  new MutationObserver(() => {
    const now = document.querySelector(DIALOG) !== null;
    // Streamlit's own part of closing ends in the next frame.
    if (open && !now) requestAnimationFrame(() => requestAnimationFrame(giveBack));
    open = now;
  }).observe(document.body, { childList: true });
}
