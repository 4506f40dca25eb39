// Link, sharing and theme. The theme is Streamlit's own; what was chosen here is remembered by the browser for all pages.
const CHOICE = "vislrp-theme";
const TOLD_MS = 1800;
const TOOLS = new WeakMap();

// The clipboard interface needs https or localhost; elsewhere the old command still copies a selected field.
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser refused");
}

function shownMode(root) {
  const paint = document.createElement("canvas").getContext("2d");
  paint.fillStyle = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  paint.fillRect(0, 0, 1, 1);
  const [red, green, blue] = paint.getImageData(0, 0, 1, 1).data;
  return 0.3 * red + 0.59 * green + 0.11 * blue < 128 ? "dark" : "light";
}

function remembered() {
  try {
    const choice = window.localStorage.getItem(CHOICE);
    return choice === "dark" || choice === "light" ? choice : null;
  } catch {
    return null;
  }
}

function remember(mode) {
  try {
    window.localStorage.setItem(CHOICE, mode);
  } catch {
    // Storage may be switched off: the theme changes for this page alone.
  }
}

// Streamlit offers no call for the theme: what its own menu uses is found in the tree that React draws.
function streamlitTheme() {
  const host = document.getElementById("root");
  const name = host && Object.keys(host).find((key) => key.startsWith("__reactContainer"));
  const waiting = name ? [host[name]] : [];
  for (let seen = 0; waiting.length && seen < 20_000; seen += 1) {
    const fiber = waiting.pop();
    const value = fiber.memoizedProps?.value;
    if (typeof value?.setTheme === "function" && Array.isArray(value.availableThemes)) return value;
    if (fiber.sibling) waiting.push(fiber.sibling);
    if (fiber.child) waiting.push(fiber.child);
  }
  return null;
}

function setMode(mode) {
  const theme = streamlitTheme();
  const word = mode === "dark" ? "Dark" : "Light";
  const wanted = theme?.availableThemes.find((one) => one.name === `Custom Theme ${word}`)
    ?? theme?.availableThemes.find((one) => one.name === word);
  if (!wanted) return false;
  theme.setTheme(wanted);
  return true;
}

function build(root) {
  mindDialogs();
  const link = iconButton("link", "link", "Copy the link to this view", () => {});
  const word = node("span", "word", { role: "status" });
  word.textContent = "Copy link";
  link.append(word);
  link.onclick = () => {
    copy(window.location.href).then(
      () => { word.textContent = "Copied"; },
      () => { word.textContent = "Copy it from the address bar"; },
    ).finally(() => {
      root.classList.add("told");
      setTimeout(() => {
        word.textContent = "Copy link";
        root.classList.remove("told");
      }, TOLD_MS);
    });
  };
  const share = iconButton("share", "share", "Share: QR code, embedded view, lesson", () => {});
  const theme = iconButton("theme", "", "", () => {});
  root.append(link, share, theme);
  return { theme, share, told: null };
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".tools");
  const me = TOOLS.get(root) ?? build(root);
  const first = !TOOLS.has(root);
  TOOLS.set(root, me);
  me.share.onclick = () => setTriggerValue("share", true);
  const shown = shownMode(root);
  const choice = remembered();
  if (first && choice && choice !== shown && setMode(choice)) return;
  const other = shown === "dark" ? "light" : "dark";
  write(me.theme.firstElementChild, `${other}_mode`);
  attribute(me.theme, "aria-label", `Switch to the ${other} theme`);
  attribute(me.theme, "title", `Switch to the ${other} theme`);
  me.theme.onclick = () => {
    remember(other);
    if (!setMode(other)) window.location.reload();
  };
  if (shown === data.mode) me.told = null;
  else if (me.told !== shown) {
    me.told = shown;
    setTimeout(() => setTriggerValue("theme", shown), 0);
  }
}
