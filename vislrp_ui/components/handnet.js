// The small network: it draws what Python computed. Numbers are typed, dragged or moved by arrow keys; focus shows a formula.
const INSTANCES = new WeakMap();
const WIDE = 840, NODE = 132, COLUMNS = [68, 420, 772], FIRST = 66, GAP = 132;
const PAUSE_MS = 200, DRAG_PX = 5, STEP = 0.1;

const middle = (layer, unit) => [COLUMNS[layer], FIRST + GAP * unit + (layer === 2 ? GAP / 2 : 0)];

function along(edge, share) {
  const [x1, y1] = middle(edge.layer - 1, edge.from);
  const [x2, y2] = middle(edge.layer, edge.to);
  const left = x1 + NODE / 2, right = x2 - NODE / 2;
  return [left + (right - left) * share, y1 + (y2 - y1) * share];
}

function place(target, at) {
  target.style.left = `${at[0]}px`;
  target.style.top = `${at[1]}px`;
}

const parsed = (text) => Number(text.replace("−", "-").replace(",", "."));
const shownNumber = (value) => String(Number(value.toFixed(6))).replace("-", "−");

// A number to edit: typed (Enter or leaving it), dragged to the right or left, or moved by the arrow keys.
function numberField(me, spoken) {
  const box = node("input", "edit", { type: "text", inputmode: "decimal", "aria-label": spoken, autocomplete: "off" });
  let begun = null;
  let dragged = false;
  let timer = null;
  const send = () => {
    clearTimeout(timer);
    timer = null;
    delete box.dataset.typed;
    const { name, place: at } = box.field;
    // What was sent last counts, answered or not: typed back before the answer, a number changes again.
    if (box.value === (box.sent ?? box.field.text)) return;
    box.sent = box.value;
    me.act.send({ kind: "set", name, place: at, value: box.value },
      (edit) => edit.kind === "set" && edit.name === name && edit.place === at);
  };
  const move = (value, pause) => {
    box.value = shownNumber(Math.max(-1000, Math.min(1000, value)));
    box.dataset.typed = "yes";
    clearTimeout(timer);
    timer = setTimeout(send, pause);
  };
  box.oninput = () => { box.dataset.typed = "yes"; };
  box.onchange = send;
  box.onkeydown = (event) => {
    if (event.key === "Enter") send();
    if (event.key === "Escape") {
      delete box.dataset.typed;
      box.value = box.field.text;
      box.select();
    }
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way || !Number.isFinite(parsed(box.value))) return;
    event.preventDefault();
    move(parsed(box.value) + way * (event.shiftKey ? 1 : STEP), PAUSE_MS);
  };
  // Pressed and moved it is dragged; pressed and let go it is typed into.
  box.onmousedown = (event) => { if (!focused(me, box)) event.preventDefault(); };
  box.onclick = () => {
    if (focused(me, box) || dragged) return;
    box.focus();
    box.select();
  };
  box.onpointerdown = (event) => {
    if (event.button === 0 && !focused(me, box)) begun = { x: event.clientX, value: parsed(box.value), moved: false };
  };
  box.onpointermove = (event) => {
    if (!begun || !Number.isFinite(begun.value)) return;
    const way = Math.trunc((event.clientX - begun.x) / DRAG_PX);
    if (!begun.moved && Math.abs(event.clientX - begun.x) < DRAG_PX) return;
    if (!begun.moved) {
      begun.moved = true;
      box.setPointerCapture(event.pointerId);
      box.classList.add("dragged");
    }
    move(Number((begun.value + way * STEP).toFixed(6)), PAUSE_MS);
  };
  box.onpointerup = box.onpointercancel = () => {
    dragged = Boolean(begun?.moved);
    if (dragged) send();
    begun = null;
    box.classList.remove("dragged");
  };
  return box;
}

function answerField(me) {
  const box = node("input", "answer", { type: "text", inputmode: "decimal", autocomplete: "off", placeholder: "?" });
  box.onchange = () => {
    delete box.dataset.typed;
    me.act.send({ kind: "answer", id: box.cell.id, value: box.value }, (edit) => edit.kind === "answer" && edit.id === box.cell.id);
  };
  box.oninput = () => { box.dataset.typed = "yes"; };
  return box;
}

const focused = (me, box) => me.root.getRootNode().activeElement === box;

function fillField(me, line, field) {
  const [label, box] = line.children;
  write(label, field.label);
  box.field = field;
  box.sent = null;
  attribute(box, "aria-label", field.spoken);
  if (!box.dataset.typed && box.value !== field.text) box.value = field.text;
}

function fillCell(me, line, cell, who) {
  const [label, text, box] = line.children;
  write(label, cell.label);
  text.hidden = Boolean(cell.asked);
  box.hidden = !cell.asked;
  if (cell.asked) {
    box.cell = cell;
    attribute(box, "aria-label", `${cell.label} of ${who}: your answer`);
    attribute(box, "aria-invalid", cell.state === "wrong");
    attribute(box, "class", `answer ${cell.state}`);
    if (!(focused(me, box) && box.dataset.typed) && box.value !== cell.text) box.value = cell.text;
  } else {
    write(text, cell.text);
    attribute(text, "class", `value${cell.missing ? " missing" : ""}${cell.label === "R" ? { 1: " plus", "-1": " minus" }[cell.sign] ?? "" : ""}`);
  }
}

function buildLine(me, kind) {
  const line = node("div", `line ${kind}`);
  line.append(node("span", "label"));
  if (kind === "field") line.append(numberField(me, ""));
  else line.append(node("span", "value"), answerField(me));
  return line;
}

function watched(me, part, id) {
  part.dataset.id = id;
  part.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") look(me, id); });
  part.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") look(me, null); });
  part.addEventListener("focusin", () => look(me, id));
  part.addEventListener("focusout", () => look(me, null));
}

function buildNode(me, one) {
  const box = node("div", `node k${one.layer}`);
  const head = node("button", "name", { type: "button" });
  head.onclick = () => me.act.send({ kind: "show", id: one.id });
  const lines = node("div", "lines");
  box.append(head, lines);
  if (one.layer === 2) {
    const pick = node("button", "pick", { type: "button" });
    pick.onclick = () => me.act.send({ kind: "target", unit: one.unit }, (edit) => edit.kind === "target");
    box.append(pick);
  }
  place(box, middle(one.layer, one.unit));
  watched(me, box, one.id);
  return box;
}

function buildEdge(me, one) {
  const [x1, y1] = along(one, 0), [x2, y2] = along(one, 1);
  const line = drawn("line", { x1, y1, x2, y2, class: "edge" });
  const wide = drawn("line", { x1, y1, x2, y2, class: "wide" });
  watched(me, wide, one.id);
  const weight = numberField(me, "");
  weight.classList.add("weight");
  place(weight, along(one, 0.25));
  watched(me, weight, one.id);
  const part = node("div", "part");
  const head = node("button", "partname", { type: "button" });
  head.onclick = () => me.act.send({ kind: "show", id: one.id });
  const answer = answerField(me);
  part.append(head, answer);
  place(part, along(one, 0.75));
  watched(me, part, one.id);
  me.ui.lines.append(line, wide);
  me.ui.board.append(weight, part);
  return { line, weight, part };
}

function build(root, data) {
  const me = { root, outbox: new Outbox(), data, look: null, ui: { nodes: {}, edges: {} }, act: {} };
  const steps = node("div", "steps");
  const button = (name, label, act) => {
    const made = iconButton("stepper", name, label, act);
    steps.append(made);
    return made;
  };
  const go = (step) => {
    const goal = Math.max(0, Math.min(me.data.steps.length - 1, step));
    if (goal === me.step) return;
    me.step = goal;
    drawSteps(me);
    me.act.send({ kind: "step", step: goal }, (edit) => edit.kind === "step");
  };
  me.ui.first = button("first_page", "First step", () => go(0));
  me.ui.back = button("chevron_left", "Step back", () => go(me.step - 1));
  me.ui.next = button("chevron_right", "Next step", () => go(me.step + 1));
  me.ui.last = button("last_page", "Last step", () => go(me.data.steps.length - 1));
  me.ui.said = node("p", "said", { role: "status" });
  me.ui.said.append(node("b"), node("span"));
  steps.append(me.ui.said);
  const scroll = node("div", "scroll");
  me.ui.board = node("div", "board");
  me.ui.lines = drawn("svg", { viewBox: `0 0 ${WIDE} ${2 * FIRST + 2 * GAP}`, "aria-hidden": "true" });
  me.ui.board.append(me.ui.lines);
  // In the order in which Tab goes through them: inputs, their edges, hidden neurons, and so on.
  for (const layer of [0, 1, 2]) {
    for (const one of data.edges) if (one.layer === layer) me.ui.edges[one.id] = buildEdge(me, one);
    for (const one of data.nodes) if (one.layer === layer) me.ui.board.append(me.ui.nodes[one.id] = buildNode(me, one));
  }
  scroll.append(me.ui.board);
  me.ui.card = node("section", "card", { "aria-label": "Formula", "aria-live": "polite" });
  me.ui.foot = node("section", "foot", { "aria-label": "Conservation" });
  const answers = node("div", "answers", { role: "status" });
  me.ui.verdicts = node("ul", "verdicts", { "aria-label": "Answers" });
  answers.append(me.ui.verdicts);
  root.replaceChildren(steps, scroll, answers, me.ui.card, me.ui.foot);
  return me;
}

function drawSteps(me) {
  const { steps } = me.data;
  const one = steps[me.step];
  write(me.ui.said.children[0], `Step ${me.step + 1} of ${steps.length} · ${one.title}`);
  write(me.ui.said.children[1], one.sentence);
  me.ui.first.disabled = me.ui.back.disabled = me.step === 0;
  me.ui.next.disabled = me.ui.last.disabled = me.step === steps.length - 1;
}

function look(me, id) {
  me.look = id;
  drawCard(me);
}

function drawCard(me) {
  const id = me.look ?? me.data.shown;
  for (const [name, part] of Object.entries(me.ui.nodes)) part.classList.toggle("looked", name === id);
  for (const [name, { line, part }] of Object.entries(me.ui.edges)) {
    line.classList.toggle("looked", name === id);
    part.classList.toggle("looked", name === id);
  }
  const said = me.data.formulas[id];
  const state = JSON.stringify([id, said]);
  if (me.ui.card.dataset.state === state) return;
  me.ui.card.dataset.state = state;
  if (!said) {
    const hint = node("p", "hint");
    hint.textContent = "Point at a neuron or an edge, or move to one with Tab: its formula appears here with the numbers filled in. A click keeps it.";
    me.ui.card.replaceChildren(hint);
    return;
  }
  const title = node("h2");
  title.textContent = said.title;
  me.ui.card.replaceChildren(title, ...said.lines.map((line) => {
    const made = node("div", "formula");
    const words = node("p");
    words.textContent = line.words;
    made.append(words);
    if (line.math) made.append(mathml(line.math));
    return made;
  }));
}

function drawNode(me, one) {
  const box = me.ui.nodes[one.id];
  const [head, lines, pick] = box.children;
  attribute(box, "class", `node k${one.layer}${one.active ? " active" : ""}${one.off ? " off" : ""}${one.target ? " target" : ""}`);
  box.style.setProperty("--strength", `${Math.round(Math.abs(one.relevance) * 46)}%`);
  box.style.setProperty("--tint", one.relevance < 0 ? "var(--negative)" : "var(--positive)");
  write(head, one.name);
  attribute(head, "aria-pressed", me.data.shown === one.id);
  attribute(head, "aria-label", `${one.name}, ${one.kind}: show its formula`);
  const kinds = [...one.fields.map(() => "field"), ...one.cells.map(() => "cell")];
  if (lines.dataset.kinds !== kinds.join()) {
    lines.dataset.kinds = kinds.join();
    lines.replaceChildren(...kinds.map((kind) => buildLine(me, kind)));
  }
  one.fields.forEach((field, at) => fillField(me, lines.children[at], field));
  one.cells.forEach((cell, at) => fillCell(me, lines.children[one.fields.length + at], cell, one.name));
  if (pick) {
    write(pick, one.target ? "explained" : "explain");
    attribute(pick, "aria-pressed", one.target);
    attribute(pick, "aria-label", `Explain ${one.name}`);
  }
}

function drawEdge(me, one) {
  const { line, weight, part } = me.ui.edges[one.id];
  const [head, answer] = part.children;
  attribute(line, "class", `edge${one.active ? " active" : ""}${one.relevance > 0 ? " plus" : one.relevance < 0 ? " minus" : ""}`);
  line.style.strokeWidth = `${1 + 7 * Math.abs(one.relevance)}px`;
  weight.field = one.field;
  weight.sent = null;
  attribute(weight, "aria-label", one.field.spoken);
  if (!weight.dataset.typed && weight.value !== one.field.text) weight.value = one.field.text;
  const { cell } = one;
  head.hidden = Boolean(cell.asked);
  answer.hidden = !cell.asked;
  attribute(part, "class", `part${cell.missing ? " missing" : ""}${cell.label === "R" ? " share" : ""}`);
  write(head, cell.text);
  attribute(head, "aria-pressed", me.data.shown === one.id);
  attribute(head, "aria-label", `${one.name}, ${cell.label === "R" ? "relevance" : "contribution a·w"} ${cell.missing ? "not there yet" : cell.text}: show its formula`);
  if (!cell.asked) return;
  answer.cell = cell;
  attribute(answer, "class", `answer ${cell.state}`);
  attribute(answer, "aria-label", `R along ${one.name}: your answer`);
  attribute(answer, "aria-invalid", cell.state === "wrong");
  if (!(focused(me, answer) && answer.dataset.typed) && answer.value !== cell.text) answer.value = cell.text;
}

function drawFoot(me) {
  const { foot, error, verdicts } = me.data;
  const state = JSON.stringify([foot, error]);
  if (me.ui.foot.dataset.state !== state) {
    me.ui.foot.dataset.state = state;
    const parts = foot.flatMap((one, at) => {
      const sum = node("span", "sum");
      const name = node("span", "muted");
      name.textContent = `Σ R of the ${one.name} `;
      const value = node("b");
      value.textContent = one.sum;
      sum.append(name, value);
      if (at === 0) return [sum];
      const note = node("span", one.note === "conserved" ? "note fine" : "note");
      note.append(icon(one.note === "conserved" ? "check" : "opacity"), one.note);
      const arrow = node("span", "arrow", { "aria-hidden": "true" });
      arrow.textContent = "→";
      return [arrow, sum, note];
    });
    const problem = node("span", "problem");
    problem.textContent = error;
    me.ui.foot.replaceChildren(...parts, ...(error ? [problem] : []));
  }
  const said = JSON.stringify(verdicts);
  if (me.ui.verdicts.dataset.state === said) return;
  me.ui.verdicts.dataset.state = said;
  me.ui.verdicts.replaceChildren(...verdicts.map((one) => {
    const line = node("li", one.right ? "right" : "wrong");
    const text = node("span");
    text.textContent = one.sentence;
    line.append(icon(one.right ? "check" : "close"), text);
    return line;
  }));
}

function draw(me) {
  me.step = me.data.step;
  drawSteps(me);
  for (const one of me.data.edges) drawEdge(me, one);
  for (const one of me.data.nodes) drawNode(me, one);
  drawCard(me);
  drawFoot(me);
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".hand");
  const me = INSTANCES.get(root) ?? build(root, data);
  INSTANCES.set(root, me);
  me.act.send = (edit, replaces) => me.outbox.send(setStateValue, edit, replaces);
  for (const [name, value] of Object.entries(data.colours)) root.style.setProperty(name, value);
  if (!me.outbox.accepts(data)) return;
  me.data = data;
  draw(me);
}
