// Layers to choose from: nodes are reused, so that focus survives every rerun.
function build() {
  const row = node("div", "row", { role: "radio" });
  row.append(node("i"), node("span", "number"), node("span", "name"), node("span", "count"));
  return row;
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".layers");
  const send = picker(root, data, setStateValue);
  const pick = (layer) => send(layer, data.selected);
  root.style.setProperty("--rows", data.rows.length);
  resize(root, data.rows.length, build);
  data.rows.forEach((entry, place) => {
    const row = root.children[place];
    const chosen = entry.layer === data.selected;
    const [strip, number, name, count] = row.children;
    attribute(row, "class", `row ${entry.kind}${chosen ? " chosen" : ""}${entry.begins ? " begins" : ""}`);
    attribute(row, "aria-checked", chosen);
    attribute(row, "aria-label", `layer ${entry.layer}, ${entry.name}${entry.count ? `, ${entry.count} neurons selected` : ""}`);
    row.dataset.layer = entry.layer;
    row.tabIndex = chosen ? 0 : -1;
    strip.style.background = entry.colour;
    write(number, String(entry.layer));
    write(name, entry.name);
    write(count, entry.count ? String(entry.count) : "");
    count.hidden = !entry.count;
    row.onclick = () => pick(entry.layer);
  });
  root.onkeydown = (event) => {
    const place = [...root.children].indexOf(event.target.closest(".row"));
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const next = step && root.children[place + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    pick(Number(next.dataset.layer));
  };
}
