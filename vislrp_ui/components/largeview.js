// The large view: a modal dialog over the whole window. The picture that was clicked is there at once; the server is asked
// for its values when it opens, and for nothing while it is closed.
const LARGE = new WeakMap();
const TICKS = [-1, -0.5, 0, 0.5, 1];
const LEAST_SAVED = 896;
const PATIENCE_MS = 3_000;

function figures(value) {
  const size = Math.abs(value);
  const text = !size ? "0" : size >= 1e5 || size < 1e-3 ? size.toExponential(2).replace("e+", "e").replace("e-", "e−")
    : String(Number(size.toPrecision(4)));
  return (value < 0 ? "−" : "") + text;
}

function numbersOf(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

class Large {
  constructor(dialog) {
    this.dialog = dialog;
    this.number = 0;
    this.view = null;
    this.opener = null;
    /** @type {(key: string, value: object) => void} set again at every run, by the component itself */
    this.send = () => {};
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.again = undefined;
    this.hear = () => this.heed();
    window.addEventListener("vislrp-large", this.hear);
    this.title = node("h2", "", { id: "large-title", tabindex: "-1" });
    this.place = node("span", "place");
    this.previous = iconButton("previous", "chevron_left", "Previous picture (left arrow)", () => this.step("previous"));
    this.next = iconButton("next", "chevron_right", "Next picture (right arrow)", () => this.step("next"));
    this.save = iconButton("save", "download", "Download this picture (PNG)", () => this.download());
    this.origin = iconButton("origin", "account_tree", "Where does this come from? The position that was touched last, or the strongest",
      () => this.trace(...(this.at ?? this.strongest())));
    const close = iconButton("close", "close", "Close (Escape)", () => dialog.close());
    const head = node("div", "head");
    head.append(this.title, this.place, this.previous, this.next, this.origin, this.save, close);
    this.frame = node("div", "frame");
    this.image = node("img", "", { alt: "", draggable: "false" });
    this.spot = node("div", "spot", { "aria-hidden": "true" });
    this.tip = node("div", "value", { role: "status" });
    this.frame.append(this.image, this.spot, this.tip);
    this.stage = node("div", "stage");
    this.stage.append(this.frame);
    this.foot = node("div", "foot");
    dialog.append(head, this.stage, this.foot);
    this.frame.onpointermove = this.frame.onpointerdown = (event) => this.tell(event);
    // A finger that is lifted leaves, too: what it read stays.
    this.frame.onpointerleave = (event) => { if (event.pointerType === "mouse") this.hush(); };
    // A finger has no hover: it reads the value, and the button above goes on from there.
    this.frame.onclick = (event) => {
      if (event.pointerType !== "touch" && event.pointerType !== "pen") this.trace(...this.spotOf(event));
    };
    dialog.onkeydown = (event) => {
      event.stopPropagation();
      const way = { ArrowLeft: "previous", ArrowRight: "next" }[event.key];
      if (!way) return;
      event.preventDefault();
      this.step(way);
    };
    dialog.onclose = () => this.closed();
    dialog.onclick = (event) => { if (event.target === dialog || event.target === this.stage) dialog.close(); };
  }

  // Open what was asked for; a click that came before this script, or while the dialog was drawn again, still counts.
  heed() {
    /** @type {any} */
    const shared = window;
    const asked = shared.vislrpAsked;
    if (!asked || !this.dialog.isConnected) return;
    shared.vislrpAsked = null;
    if (asked.opener.isConnected) this.open(asked);
  }

  open({ id, picture, title, opener }) {
    this.opener = opener;
    this.answer = null;
    this.show({ title, picture, values: null, shape: null, stops: [], note: "", smooth: true });
    write(this.place, "");
    if (!this.dialog.open) this.dialog.showModal();
    this.title.focus();
    this.ask(id);
  }

  ask(id) {
    this.number += 1;
    this.id = id;
    this.busy = true;
    this.controls();
    this.request({ id, number: this.number }, PATIENCE_MS);
  }

  // A question whose answer was drawn over by the next run, or that a broken connection swallowed, is asked again.
  request(question, patience) {
    clearTimeout(this.again);
    this.send("want", question);
    this.again = setTimeout(() => {
      if (this.busy && question.number === this.number) this.request(question, 2 * patience);
    }, patience);
  }

  step(way) {
    const id = this.answer?.[way];
    if (id && !this.busy) this.ask(id);
  }

  take(answer) {
    if (!answer || answer.number !== this.number || !this.busy || !this.dialog.open) return;
    this.busy = false;
    this.answer = answer;
    if (answer.view) this.show(answer.view);
    else this.foot.replaceChildren(this.words("This picture is no longer on the page."));
    write(this.place, answer.count > 1 ? `${answer.place} of ${answer.count}` : "");
    this.controls();
  }

  controls() {
    this.previous.disabled = this.busy || !this.answer?.previous;
    this.next.disabled = this.busy || !this.answer?.next;
    this.save.disabled = this.busy || !this.view?.picture;
    this.origin.hidden = !this.view?.traced;
    this.origin.disabled = this.busy || !this.values;
    attribute(this.dialog, "aria-busy", this.busy);
  }

  words(text) {
    const made = node("p", "note");
    made.textContent = text;
    return made;
  }

  show(view) {
    this.view = view;
    this.values = view.values ? numbersOf(view.values) : null;
    this.at = null;
    write(this.title, view.title);
    attribute(this.image, "alt", view.title);
    this.image.onload = () => this.frame.style.setProperty("--ratio", this.image.naturalWidth / this.image.naturalHeight);
    if (view.picture) this.image.src = view.picture;
    else this.image.removeAttribute("src");
    this.frame.hidden = view.picture === "";
    this.frame.classList.toggle("pixels", !view.smooth);
    this.frame.classList.toggle("told", this.values !== null);
    this.hush();
    this.foot.replaceChildren();
    if (view.stops.length) this.foot.append(this.bar(view));
    if (view.note) this.foot.append(this.words(view.note));
    if (view.traced && this.values) this.foot.append(this.words(matchMedia("(hover: none)").matches
      ? "Tap a position, then the tree above, to see where its relevance comes from."
      : "Click a position to see where its relevance comes from."));
  }

  ends(view) {
    return view.signed ? TICKS.map((tick) => tick * view.limit) : TICKS.map((tick) => ((tick + 1) / 2) * view.limit);
  }

  bar(view) {
    const made = node("div", "bar", { role: "img", "aria-label": `Colours from ${this.ends(view).map(figures).join(", ")}` });
    const colours = node("i");
    colours.style.background = `linear-gradient(90deg, ${view.stops.join(", ")})`;
    made.append(colours, ...this.ends(view).map((value) => {
      const label = node("span");
      label.textContent = (view.signed && value > 0 ? "+" : "") + figures(value);
      return label;
    }));
    return made;
  }

  spotOf(event) {
    const [high, wide] = this.view.shape ?? [1, 1];
    const box = this.image.getBoundingClientRect();
    const x = Math.max(0, Math.min(wide - 1, Math.floor(((event.clientX - box.left) / box.width) * wide)));
    const y = Math.max(0, Math.min(high - 1, Math.floor(((event.clientY - box.top) / box.height) * high)));
    return [x, y];
  }

  strongest() {
    const [, wide] = this.view.shape;
    const at = this.values.reduce((best, value, place) => (Math.abs(value) > Math.abs(this.values[best]) ? place : best), 0);
    return [at % wide, Math.floor(at / wide)];
  }

  // Where does the value of a position come from: the page answers, in a dialog of its own.
  trace(column = 0, row = 0) {
    if (this.busy || !this.values || !this.view.traced) return;
    this.opener = null;
    this.send("origin", { id: this.id, row, column });
    this.dialog.close();
  }

  tell(event) {
    if (!this.values) return;
    const [high, wide] = this.view.shape;
    const box = this.image.getBoundingClientRect();
    const [x, y] = this.at = this.spotOf(event);
    const value = node("b");
    value.textContent = figures(this.values[y * wide + x]);
    this.tip.replaceChildren(value, ` at column ${x}, row ${y}`);
    this.tip.hidden = this.spot.hidden = false;
    Object.assign(this.spot.style, { left: `${(100 * x) / wide}%`, top: `${(100 * y) / high}%`, width: `${100 / wide}%`,
      height: `${100 / high}%` });
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    this.tip.style.left = `${left + 14 + this.tip.offsetWidth > box.width ? left - this.tip.offsetWidth - 10 : left + 14}px`;
    this.tip.style.top = `${Math.max(0, top - this.tip.offsetHeight - 8)}px`;
  }

  hush() {
    this.tip.hidden = this.spot.hidden = true;
    this.tip.replaceChildren();
  }

  // The picture in whole multiples of its own pixels, with its title and its colour bar.
  async download() {
    const view = this.view;
    const picture = new Image();
    picture.src = view.picture;
    await picture.decode();
    const times = Math.ceil(LEAST_SAVED / Math.max(picture.naturalWidth, picture.naturalHeight));
    const [wide, high] = [picture.naturalWidth * times, picture.naturalHeight * times];
    const [above, below] = [44, view.stops.length ? 74 : view.note ? 34 : 10];
    const paper = node("canvas", "", { width: wide + 32, height: above + high + below });
    const draw = paper.getContext("2d");
    const style = getComputedStyle(this.dialog);
    draw.fillStyle = style.backgroundColor;
    draw.fillRect(0, 0, paper.width, paper.height);
    draw.fillStyle = style.color;
    draw.font = `650 18px ${style.fontFamily}`;
    draw.fillText(view.title, 16, 28, wide);
    draw.imageSmoothingEnabled = view.smooth;
    draw.drawImage(picture, 16, above, wide, high);
    draw.font = `400 14px ${style.fontFamily}`;
    if (view.stops.length) {
      const colours = draw.createLinearGradient(16, 0, 16 + wide, 0);
      view.stops.forEach((stop, place) => colours.addColorStop(place / (view.stops.length - 1), stop));
      draw.fillStyle = colours;
      draw.fillRect(16, above + high + 10, wide, 14);
      draw.fillStyle = style.color;
      this.ends(view).forEach((value, place) => {
        draw.textAlign = ["left", "center", "center", "center", "right"][place];
        draw.fillText((view.signed && value > 0 ? "+" : "") + figures(value), 16 + (wide * place) / 4, above + high + 42);
      });
    }
    draw.textAlign = "left";
    if (view.note) draw.fillText(view.note, 16, paper.height - 10, wide);
    const link = node("a", "", { download: `${view.title.replace(/[^\p{L}\p{N}.-]+/gu, "_").slice(0, 80)}.png` });
    link.href = URL.createObjectURL(await new Promise((done) => { paper.toBlob(done, "image/png"); }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  closed() {
    clearTimeout(this.again);
    this.number += 1;
    this.busy = false;
    this.values = this.view = this.answer = null;
    this.image.removeAttribute("src");
    this.opener?.focus?.();
    this.opener = null;
  }

  leave() {
    window.removeEventListener("vislrp-large", this.hear);
    if (this.dialog.open) this.dialog.close();
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const dialog = parentElement.querySelector(".large");
  if (!LARGE.has(dialog)) LARGE.set(dialog, new Large(dialog));
  const large = LARGE.get(dialog);
  large.send = setTriggerValue;
  large.take(data.answer);
  large.heed();
  return () => {
    large.leave();
    LARGE.delete(dialog);
  };
}
