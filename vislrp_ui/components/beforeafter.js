// Paired bars: a table whose rows are reused, so that bars move to their new lengths.
const HEADS = ["class", "bars", "before", "after", "change", "logit"];
const NAMES = { logit: "Δ logit" };
const TIPS = {
  before: "Probability before, %",
  after: "Probability after, %",
  change: "Change of the probability in percentage points",
  logit: "Change of the logit: after minus before",
  bars: "Grey: before, coloured: after",
};

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function build(root) {
  const table = make("table");
  const head = make("tr");
  for (const name of HEADS) {
    const cell = make("th", name, name === "bars" ? "" : NAMES[name] ?? name);
    cell.scope = "col";
    if (TIPS[name]) cell.title = TIPS[name];
    if (name === "bars") cell.append(make("i", "key was"), "before", make("i", "key now"), "after");
    head.append(cell);
  }
  const thead = make("thead");
  thead.append(head);
  table.append(thead, make("tbody"));
  const sentence = make("p", "sentence");
  sentence.setAttribute("aria-live", "polite");
  root.append(table, sentence);
}

function buildRow() {
  const row = make("tr");
  for (const name of HEADS) row.append(make("td", name));
  const [label, bars] = row.children;
  const flex = make("div", "label");
  flex.append(make("span", "name"), make("span", "tag"));
  label.append(flex);
  const track = make("div", "track");
  track.append(make("i"), make("i"));
  bars.append(track);
  return row;
}

function fill(row, entry) {
  const [label, bars, before, after, change, logit] = row.children;
  row.className = [entry.target && "target", entry.tag && "first", entry.moved && "moved"].filter(Boolean).join(" ");
  row.title = `${entry.name} (class ${entry.index})\n${entry.logits}`;
  const [name, tag] = label.firstElementChild.children;
  name.textContent = entry.name;
  tag.textContent = entry.tag;
  tag.className = entry.tag === "1st" ? "tag now" : "tag";
  entry.widths.forEach((width, place) => { bars.firstElementChild.children[place].style.width = `${width}%`; });
  before.textContent = entry.before;
  after.textContent = entry.after;
  const arrow = { up: "↑ ", down: "↓ ", same: "" }[entry.direction];
  change.className = `change ${entry.direction}`;
  change.textContent = arrow + entry.change;
  logit.textContent = entry.logit;
}

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".pairs");
  for (const [name, value] of Object.entries(data.colours)) root.style.setProperty(name, value);
  if (!root.firstElementChild) build(root);
  root.classList.toggle("stale", data.stale !== "");
  const body = root.querySelector("tbody");
  while (body.children.length > data.rows.length) body.lastElementChild.remove();
  while (body.children.length < data.rows.length) body.append(buildRow());
  data.rows.forEach((entry, place) => fill(body.children[place], entry));
  const sentence = root.querySelector(".sentence");
  const parts = data.stale ? [[data.stale, false]] : data.sentence;
  const text = JSON.stringify(parts);
  if (sentence.dataset.text !== text) {
    sentence.dataset.text = text;
    sentence.replaceChildren(...parts.map(([words, bold]) => (bold ? make("b", "", words) : words)));
  }
}
