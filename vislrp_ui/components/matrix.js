// The matrix of neurons: cells are reused, one picture fills them all, one tooltip serves them all.
const MATRICES = new WeakMap();

class Matrix {
  constructor(root) {
    this.outbox = new Outbox();
    this.selected = new Set();
    this.grid = node("div", "grid", { role: "listbox", "aria-multiselectable": "true" });
    this.tip = node("div", "tip", { role: "tooltip" });
    this.tip.hidden = true;
    this.root = root;
    this.focus = 0;
    this.stroke = null;
    this.shown = null;
    root.append(this.grid, this.tip);
    this.grid.onpointerdown = (event) => this.press(event);
    this.grid.onpointerover = (event) => this.over(event);
    this.grid.onpointerleave = () => this.hide();
    this.grid.onpointerup = () => this.release();
    this.grid.onpointercancel = () => { this.stroke = null; this.paint(); };
    this.grid.onkeydown = (event) => this.key(event);
    this.grid.addEventListener("focusin", (event) => this.show(event.target.closest(".cell")));
    this.grid.addEventListener("focusout", () => this.hide());
  }

  draw(data, send) {
    this.send = send;
    const fresh = this.outbox.accepts(data);
    const shape = `${data.name} ${data.order.length}`;
    if (fresh || shape !== this.shape) this.selected = new Set(data.selected);
    if (shape !== this.shape) this.focus = 0;
    this.shape = shape;
    this.data = data;
    for (const [name, colour] of Object.entries(data.colours)) this.root.style.setProperty(name, colour);
    attribute(this.grid, "aria-label", `Neurons of ${data.name}`);
    this.grid.style.setProperty("--columns", data.columns);
    this.grid.style.setProperty("--sheet", `url("${data.sheet.url}")`);
    this.grid.style.setProperty("--sheet-size", `${100 * data.sheet.columns}% ${100 * data.sheet.rows}%`);
    this.grid.classList.toggle("pixelated", data.sheet.pixelated);
    const placed = JSON.stringify([data.order, data.sheet.columns, data.sheet.rows]);
    if (placed !== this.placed) {
      this.placed = placed;
      this.place();
      this.ranks = data.facts.map((fact) => (fact.ranked ? ranks(fact.values) : null));
    } else if (fresh) {
      this.ranks = data.facts.map((fact) => (fact.ranked ? ranks(fact.values) : null));
    }
    this.paint();
  }

  place() {
    const { order, sheet } = this.data;
    resize(this.grid, order.length, () => node("div", "cell", { role: "option", tabindex: -1 }));
    const [across, down] = [Math.max(sheet.columns - 1, 1), Math.max(sheet.rows - 1, 1)];
    order.forEach((neuron, place) => {
      const cell = this.grid.children[place];
      cell.dataset.neuron = neuron;
      cell.dataset.place = place;
      const [x, y] = [neuron % sheet.columns, Math.floor(neuron / sheet.columns)];
      cell.style.backgroundPosition = `${(100 * x) / across}% ${(100 * y) / down}%`;
      cell.setAttribute("aria-label", `neuron ${neuron}`);
    });
  }

  paint() {
    const shown = new Set(this.selected);
    for (const neuron of this.stroke?.neurons ?? []) shown.has(neuron) ? shown.delete(neuron) : shown.add(neuron);
    this.data.order.forEach((neuron, place) => {
      const cell = this.grid.children[place];
      const on = shown.has(neuron);
      if (cell.classList.contains("on") !== on || !cell.hasAttribute("aria-selected")) {
        cell.classList.toggle("on", on);
        cell.setAttribute("aria-selected", String(on));
      }
      const tab = place === this.focus ? 0 : -1;
      if (cell.tabIndex !== tab) cell.tabIndex = tab;
    });
  }

  // A stroke over cells gives all of them the state that the first one takes.
  press(event) {
    const cell = event.target.closest(".cell");
    if (!cell || event.button !== 0) return;
    if (event.target.hasPointerCapture?.(event.pointerId)) event.target.releasePointerCapture(event.pointerId);
    const neuron = Number(cell.dataset.neuron);
    this.focus = Number(cell.dataset.place);
    this.stroke = { adds: !this.selected.has(neuron), neurons: new Set([neuron]) };
    this.paint();
  }

  over(event) {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    if (this.stroke && event.buttons % 2 === 1) {
      const neuron = Number(cell.dataset.neuron);
      if (this.selected.has(neuron) !== this.stroke.adds) this.stroke.neurons.add(neuron);
      this.paint();
    } else if (this.stroke) {
      this.release();
    }
    this.show(cell);
  }

  release() {
    const neurons = [...(this.stroke?.neurons ?? [])];
    this.stroke = null;
    if (neurons.length) this.toggle(neurons);
  }

  toggle(neurons) {
    for (const neuron of neurons) this.selected.has(neuron) ? this.selected.delete(neuron) : this.selected.add(neuron);
    this.paint();
    this.show(this.shown);
    this.outbox.send(this.send, { kind: "toggle", neurons });
  }

  key(event) {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    const place = Number(cell.dataset.place);
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.toggle([Number(cell.dataset.neuron)]);
      return;
    }
    const columns = this.data.columns;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    const ends = { Home: 0, End: this.data.order.length - 1 };
    const next = event.key in ends ? ends[event.key] : event.key in steps ? place + steps[event.key] : -1;
    if (!(event.key in steps || event.key in ends)) return;
    event.preventDefault();
    if (next < 0 || next >= this.data.order.length) return;
    this.focus = next;
    this.paint();
    this.grid.children[next].focus();
  }

  hide() {
    this.shown = null;
    this.tip.hidden = true;
  }

  show(cell) {
    if (!cell) return;
    this.shown = cell;
    const neuron = Number(cell.dataset.neuron);
    const head = node("b");
    write(head, `Neuron ${neuron}`);
    const first = node("span");
    first.append(head, ` of ${this.data.name}${this.selected.has(neuron) ? " · selected" : ""}`);
    const lines = this.data.facts.map((fact, place) => {
      const line = node("span");
      const rank = this.ranks[place] ? ` · rank ${this.ranks[place][neuron]}` : "";
      write(line, `${fact.title} ${number(fact.values[neuron], fact.signed)}${rank}`);
      return line;
    });
    this.tip.replaceChildren(first, ...lines);
    this.tip.hidden = false;
    const [wide, high] = [this.root.clientWidth, this.root.clientHeight];
    const right = cell.offsetLeft + cell.offsetWidth + 8;
    const left = right + this.tip.offsetWidth > wide ? cell.offsetLeft - this.tip.offsetWidth - 8 : right;
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${Math.max(0, Math.min(cell.offsetTop, high - this.tip.offsetHeight))}px`;
  }
}

function ranks(values) {
  const found = new Array(values.length);
  [...values.keys()].sort((a, b) => values[b] - values[a] || a - b).forEach((neuron, place) => { found[neuron] = place + 1; });
  return found;
}

function number(value, signed) {
  const size = Math.abs(value);
  const text = size >= 1000 ? Math.round(size).toLocaleString("en").replaceAll(",", "\u2009")
    : size && size < 0.001 ? size.toExponential(1).replace("e-", "e−") : String(Number(size.toPrecision(3)));
  return (value < 0 ? "−" : signed && value > 0 ? "+" : "") + text;
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".matrix");
  if (!MATRICES.has(root)) MATRICES.set(root, new Matrix(root));
  MATRICES.get(root).draw(data, setStateValue);
}
