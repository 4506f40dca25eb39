// Class bars: nodes are reused, so that focus survives every rerun and the bars move instead of jumping.
function build() {
  const row = document.createElement("div");
  row.setAttribute("role", "radio");
  for (const name of ["fill", "name", "logit", "percent"]) {
    const part = document.createElement("span");
    part.className = name;
    row.append(part);
  }
  return row;
}

function fill(row, entry, target, reachable) {
  const [bar, name, logit, percent] = row.children;
  const chosen = entry.index === target;
  row.className = chosen ? "row target" : "row";
  row.setAttribute("aria-checked", String(chosen));
  row.setAttribute("aria-label", `${entry.name}, ${entry.percent}\u202f%, logit ${entry.logit}`);
  row.tabIndex = reachable ? 0 : -1;
  row.title = `${entry.name} (class ${entry.index})\nlogit ${entry.logit}, probability ${entry.percent}\u202f%`;
  row.dataset.index = entry.index;
  bar.style.width = `${Math.min(entry.width, 100)}%`;
  name.textContent = entry.name;
  logit.textContent = entry.logit;
  percent.textContent = entry.percent;
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".bars");
  const send = picker(root, data, setStateValue);
  const pick = (place) => {
    const index = data.rows[place]?.index;
    if (index !== undefined) send(index, data.target);
  };
  while (root.children.length > data.rows.length) root.lastElementChild.remove();
  while (root.children.length < data.rows.length) root.append(build());
  const reachable = Math.max(0, data.rows.findIndex((entry) => entry.index === data.target));
  data.rows.forEach((entry, place) => {
    const row = root.children[place];
    fill(row, entry, data.target, place === reachable);
    row.onclick = () => pick(place);
  });
  root.onkeydown = (event) => {
    const place = [...root.children].indexOf(event.target);
    if (place < 0) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pick(place);
      return;
    }
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const next = step && root.children[place + step];
    if (!next) return;
    event.preventDefault();
    for (const row of root.children) row.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
}
