// Heads, rows and feet of the comparison: equal columns in three separate pieces, so that a new map resends its row alone.
const pieces = new WeakMap();

function text(tag, className, content) {
  const made = node(tag, className);
  made.textContent = content;
  return made;
}

function marked(fact, className = "") {
  const words = [`${fact.symbol} `, text("b", "", fact.text)];
  if (fact.term) return termButton(fact.term, fact.tip, words);
  const made = node("span", className, { title: fact.tip });
  made.append(...words);
  return made;
}

function drawFacts(facts) {
  const made = node("div", "facts", { role: "group", "aria-label": "Measured" });
  made.append(...facts.map((fact) => marked(fact)));
  return termLine(made);
}

// --- heads

function drawHead(column, place, data, send) {
  const made = node("div", "column");
  const title = node("div", "title", { title: column.tip });
  title.append(text("span", "name", column.name), text("span", "tag", column.active ? "active" : ""));
  if (data.columns.length > 1) {
    title.append(iconButton("close", "close", `Take ${column.name} out of the comparison`, () => send({ kind: "remove", column: place })));
    const handle = iconButton("handle", "drag_indicator", `Move ${column.name}: drag, or arrow keys`, () => {});
    handle.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || place + step < 0 || place + step >= data.columns.length) return;
      event.preventDefault();
      send({ kind: "move", column: place, to: place + step });
    };
    handle.onpointerdown = (event) => drag(event, made, place, send);
    title.append(handle);
  }
  const bar = node("div", "bar");
  for (const segment of column.bar) {
    const part = text("span", "part", segment.text);
    part.style.cssText = `flex-grow:${segment.layers};background:${segment.fill};color:${segment.ink}`;
    part.title = segment.tip;
    bar.append(part);
  }
  made.append(title, bar);
  for (const line of column.lines) {
    const row = node("div", "line", { title: line.tip });
    const colour = node("i");
    colour.style.background = line.fill;
    row.append(colour, text("b", "", line.rule), text("span", "", line.layers));
    made.append(row);
    if (data.formulas) {
      const formula = node("div", "formula", { title: line.tip });
      formula.append(mathml(line.formula));
      made.append(formula);
    }
  }
  return made;
}

function drag(event, column, place, send) {
  if (event.button !== 0) return;
  event.preventDefault();
  const grid = column.parentElement;
  const handle = event.currentTarget;
  handle.setPointerCapture(event.pointerId);
  column.classList.add("dragged");
  let to = place;
  const mark = (at) => {
    [...grid.children].forEach((other, i) => {
      other.classList.toggle("before", i === at && at < place);
      other.classList.toggle("behind", i === at && at > place);
    });
  };
  handle.onpointermove = (move) => {
    const boxes = [...grid.children].map((other) => other.getBoundingClientRect());
    const found = boxes.findIndex((box) => move.clientX < box.right + 7);
    to = found < 0 ? boxes.length - 1 : found;
    mark(to);
  };
  const end = (send_it) => {
    handle.onpointermove = handle.onpointerup = handle.onpointercancel = null;
    column.classList.remove("dragged");
    mark(-1);
    if (send_it && to !== place) send({ kind: "move", column: place, to });
  };
  handle.onpointerup = () => end(true);
  handle.onpointercancel = () => end(false);
}

// --- rows

function drawCell(cell, place, data, send) {
  const made = node("div", "column");
  const map = node("div", "map");
  if (cell.picture) {
    const act = (kind) => send({ kind, row: data.row, column: place, target: data.target });
    map.className = cell.active ? "map active" : "map";
    const words = cell.active ? "Active in Design" : "Make this model, image and class the active ones in Design";
    const active = iconButton("activate", cell.active ? "radio_button_checked" : "radio_button_unchecked", words, () => act("activate"));
    attribute(active, "aria-pressed", String(cell.active));
    const tools = node("div", "tools");
    tools.append(active, iconButton("open", "tune", "Open in Design", () => act("open")));
    map.append(large("enlarge", cell.picture, cell.alt, cell.view), tools);
  } else {
    map.className = cell.failed ? "map empty failed" : "map empty";
    map.append(text("span", "", cell.note));
  }
  made.append(map);
  if (cell.facts.length) {
    made.append(drawFacts(cell.facts));
  }
  if (cell.small.length) {
    const open = data.unfolded;
    const fold = node("button", "fold", { type: "button", "aria-expanded": String(open), title: "For all maps of this row" });
    const many = cell.small.length === 1 ? "1 intermediate map" : `${cell.small.length} intermediate maps`;
    fold.append(icon(open ? "keyboard_arrow_down" : "keyboard_arrow_right"), many);
    fold.onclick = () => send({ kind: "fold", row: data.row });
    made.append(fold);
    if (open) made.append(drawSmall(cell.small));
  }
  return made;
}

function large(className, source, alt, view) {
  const made = node("button", className, { type: "button", title: `${alt}: large view` });
  const picture = node("img", "", { alt, src: source, draggable: "false" });
  made.append(picture);
  made.onclick = () => openLarge(made, view, source, alt);
  return made;
}

function drawSmall(maps) {
  const made = node("div", "small");
  for (const map of maps) {
    const figure = node("figure");
    figure.append(large(map.pixels ? "enlarge pixels" : "enlarge", map.picture, map.tip, map.view), text("figcaption", "", map.name));
    made.append(figure);
  }
  return made;
}

// --- feet

function wrapped(inner) {
  const made = node("span");
  made.append(inner);
  return made;
}

function drawFoot(column, place, data, send) {
  const made = node("div", "column");
  for (const fact of column.measures) {
    const measure = node("div", "measure", { title: fact.tip });
    const line = node("div");
    const value = text("b", fact.text ? "" : "none", fact.text || fact.none);
    if (fact.best) value.append(icon("check"));
    line.append(termLine(wrapped(termButton(fact.term, fact.tip, [fact.title]))), value);
    const bar = node("hr", fact.negative ? "negative" : "");
    bar.style.setProperty("--share", `${100 * fact.share}%`);
    measure.append(line, bar);
    made.append(measure);
  }
  made.append(drawFacts(column.facts));
  if (data.differ) {
    const button = node("button", "differ", { type: "button", title: `Show the difference of this model's two maps: ${data.differ}` });
    button.append(icon("difference"), data.differ);
    button.onclick = () => send({ kind: "differ", column: place });
    made.append(button);
  }
  return made;
}

const DRAW = { head: drawHead, row: drawCell, foot: drawFoot };

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".grid");
  const me = pieces.get(root) ?? { outbox: new Outbox(), drawn: [] };
  pieces.set(root, me);
  if (!me.outbox.accepts(data)) return;
  const send = (edit) => {
    if (edit.kind === "move") me.moved = edit.to;  // the focus goes with the column
    me.outbox.send(setStateValue, edit);
  };
  root.className = `grid ${data.kind}`;
  attribute(root, "tabindex", root.scrollWidth > root.clientWidth + 1 ? 0 : -1);
  root.onscroll = () => window.dispatchEvent(new CustomEvent("vislrp-scroll", { detail: { root, left: root.scrollLeft } }));
  if (!me.follow) {
    // Heads, rows and feet scroll sideways together.
    me.follow = ({ detail }) => { if (detail.root !== root && root.scrollLeft !== detail.left) root.scrollLeft = detail.left; };
    window.addEventListener("vislrp-scroll", me.follow);
  }
  root.style.setProperty("--columns", data.columns.length);
  for (const [name, value] of Object.entries(data.colours)) root.style.setProperty(name, value);
  root.style.setProperty("--side", data.columns.length < 4 ? "32vh" : "23vh");
  const common = JSON.stringify({ ...data, columns: data.columns.length, seq: 0 });
  data.columns.forEach((column, place) => {
    const state = common + JSON.stringify(column);
    if (me.drawn[place] === state && root.children[place]) return;
    const made = DRAW[data.kind](column, place, data, send);
    const held = root.children[place];
    const focused = held?.contains(root.getRootNode().activeElement) ? root.getRootNode().activeElement.className : null;
    if (held) held.replaceWith(made);
    else root.append(made);
    if (focused !== null) [...made.querySelectorAll("button, [tabindex]")].find((one) => one.className === focused)?.focus();
    me.drawn[place] = state;
  });
  while (root.children.length > data.columns.length) root.lastElementChild.remove();
  me.drawn.length = data.columns.length;
  if (me.moved !== undefined) {
    root.children[me.moved]?.querySelector(".handle")?.focus();
    me.moved = undefined;
  }
  return () => {
    window.removeEventListener("vislrp-scroll", me.follow);
    pieces.delete(root);
  };
}
