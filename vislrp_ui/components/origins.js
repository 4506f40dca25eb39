// Where relevance comes from: it draws what Python computed. A click or arrow keys move on the map; a part is followed upwards.
const INSTANCES = new WeakMap();
const PAUSE_MS = 250;
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function said(tag, className, text) {
  const made = node(tag, className);
  made.textContent = text;
  return made;
}

function build(root) {
  const me = { root, outbox: new Outbox(), data: null, exact: false, open: new Set(), timer: null, act: {}, ui: {} };
  me.ui.crumbs = node("ol", "crumbs", { "aria-label": "The way so far" });
  me.ui.title = node("h3", "title", { tabindex: "-1" });
  me.ui.words = node("div", "words");
  me.ui.channels = node("div", "channels", { role: "group", "aria-label": "Colour" });
  me.ui.map = node("button", "map", { type: "button" });
  me.ui.map.append(node("img", "", { alt: "", draggable: "false" }), node("span", "cross", { "aria-hidden": "true" }));
  me.ui.map.onclick = (event) => clicked(me, event);
  me.ui.map.onkeydown = (event) => {
    const way = ARROWS[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    moveTo(me, me.at[0] + way[0] * (event.shiftKey ? 10 : 1), me.at[1] + way[1] * (event.shiftKey ? 10 : 1), PAUSE_MS);
  };
  me.ui.value = node("p", "value", { role: "status" });
  me.ui.digits = node("button", "digits", { type: "button" });
  me.ui.digits.textContent = "All digits";
  me.ui.digits.onclick = () => {
    me.exact = !me.exact;
    draw(me);
  };
  const side = node("div", "side");
  me.ui.formula = node("div", "formula");
  side.append(me.ui.value, me.ui.words, me.ui.formula, me.ui.channels);
  const top = node("div", "top");
  top.append(me.ui.map, side);
  me.ui.heads = node("div", "heads");
  me.ui.lines = node("ol", "lines", { "aria-label": "Strongest parts" });
  me.ui.foot = node("div", "wholes");
  me.ui.note = node("p", "note");
  root.replaceChildren(me.ui.crumbs, me.ui.title, top, me.ui.heads, me.ui.lines, me.ui.foot, me.ui.note, me.ui.digits);
  new ResizeObserver(() => reachWide(me)).observe(root);
  return me;
}

function clicked(me, event) {
  // Enter and Space on the map are clicks without a place.
  if (!event.detail) return;
  const [high, wide] = me.data.map.shape;
  const box = me.ui.map.getBoundingClientRect();
  moveTo(me, Math.floor(((event.clientY - box.top) / box.height) * high), Math.floor(((event.clientX - box.left) / box.width) * wide), 0);
}

function moveTo(me, row, column, pause) {
  const [high, wide] = me.data.map.shape;
  const there = [Math.max(0, Math.min(high - 1, row)), Math.max(0, Math.min(wide - 1, column))];
  const { units } = me.data.map;
  const unit = there[0] * wide + there[1];
  if (there.join() === me.at.join() || (units && unit >= units)) return;
  me.at = there;
  drawCross(me);
  clearTimeout(me.timer);
  const send = () => {
    me.timer = null;
    me.act.send({ kind: "move", ...(units ? { unit } : { row: there[0], column: there[1] }) }, (edit) => edit.kind === "move");
  };
  if (pause) me.timer = setTimeout(send, pause);
  else send();
}

function drawCross(me) {
  const [high, wide] = me.data.map.shape;
  const cross = me.ui.map.lastElementChild;
  cross.style.left = `${(100 * (me.at[1] + 0.5)) / wide}%`;
  cross.style.top = `${(100 * (me.at[0] + 0.5)) / high}%`;
  const { name, units } = me.data.map;
  const here = units ? `unit ${me.at[0] * wide + me.at[1]}` : `column ${me.at[1]}, row ${me.at[0]}`;
  attribute(me.ui.map, "aria-label", `${name}, ${here}: click a position, or move with the arrow keys`);
}

function drawMap(me) {
  const { map } = me.data;
  const image = me.ui.map.firstElementChild;
  if (image.getAttribute("src") !== map.picture) image.src = map.picture;
  image.classList.toggle("pixels", map.shape[0] < 100);
  attribute(me.ui.map, "title", "Click another position");
  if (!me.timer) me.at = [map.row, map.column];
  drawCross(me);
}

const figure = (me, value) => (me.exact ? value.exact : value.text);

function signed(me, className, value) {
  const made = said("span", `${className}${{ 1: " plus", "-1": " minus" }[value.sign] ?? ""}`, figure(me, value));
  made.title = value.exact;
  return made;
}

function line(me, one, at) {
  const item = node("li", "line");
  const small = node("span", "small", { "aria-hidden": "true" });
  if (one.picture) {
    small.append(node("img", "", { src: one.picture, alt: "" }), node("i"));
    small.lastElementChild.style.left = `${one.mark[0]}%`;
    small.lastElementChild.style.top = `${one.mark[1]}%`;
  }
  const who = node("span", "who");
  who.append(said("b", "", one.text), said("span", "muted", one.where));
  if (one.relevance) {
    const arriving = said("span", "muted", "its R ");
    arriving.append(signed(me, "", one.relevance));
    who.append(arriving);
  }
  const open = me.open.has(at);
  const show = iconButton("show", open ? "expand_less" : "function", `${one.title}: ${open ? "hide" : "show"} the formula with its numbers`, () => {
    if (open) me.open.delete(at);
    else me.open.add(at);
    draw(me);
    me.ui.lines.children[at].querySelector(".show").focus();
  });
  attribute(show, "aria-expanded", open);
  show.hidden = !one.math.length;
  const follow = iconButton("follow", "arrow_upward", `Follow ${one.title}`, () => {
    me.act.send({ kind: "follow", layer: one.layer, place: one.place });
    me.ui.title.focus();
  });
  item.append(small, who, said("span", "share", one.share), signed(me, "part", one.part), show, follow);
  if (open && one.math.length) {
    const filled = node("div", "filled");
    filled.append(...one.math.map(mathml));
    item.append(filled);
  }
  return item;
}

// A formula that is wider than its place scrolls; the keyboard reaches it then.
function reachWide(me) {
  for (const one of me.root.querySelectorAll(".formula, .filled"))
    attribute(one, "tabindex", one.scrollWidth > one.clientWidth + 1 ? 0 : -1);
}

function sums(me) {
  const { rest, value, lines } = me.data;
  if (!lines.length) return [];
  const row = (words, number) => {
    const made = node("div", "whole");
    made.append(said("span", "", words), number);
    return made;
  };
  const others = rest ? [row(`${rest.count} other${rest.count > 1 ? "s" : ""}`, signed(me, "part rest", rest))] : [];
  return [...others, row("Sum", signed(me, "part total", value))];
}

function draw(me) {
  const { data } = me;
  me.ui.crumbs.replaceChildren(...data.crumbs.map((crumb, at) => {
    const item = node("li");
    if (at === data.crumbs.length - 1) item.append(said("span", "here", crumb.text));
    else {
      const back = said("button", "crumb", crumb.text);
      back.type = "button";
      attribute(back, "aria-label", `Back to ${crumb.title}`);
      back.onclick = () => {
        me.act.send({ kind: "back", step: at }, (edit) => edit.kind === "back");
        me.ui.title.focus();
      };
      item.append(back);
    }
    return item;
  }));
  write(me.ui.title, data.title);
  const total = said("span", "", "R = ");
  me.ui.value.replaceChildren(total, signed(me, "big", data.value));
  me.ui.words.replaceChildren(...data.words.map((text) => said("p", "", text)));
  me.ui.formula.replaceChildren(...(data.math ? [mathml(data.math)] : []));
  me.ui.channels.hidden = !data.channels;
  me.ui.channels.replaceChildren(...(data.channels?.names ?? []).map((name, at) => {
    const pick = said("button", "pick", name);
    pick.type = "button";
    attribute(pick, "aria-pressed", at === data.channels.chosen);
    pick.onclick = () => me.act.send({ kind: "channel", channel: at }, (edit) => edit.kind === "channel");
    return pick;
  }));
  drawMap(me);
  me.ui.heads.hidden = !data.lines.length;
  me.ui.heads.replaceChildren(...data.heads.map((head) => said("span", "", head)));
  me.ui.lines.replaceChildren(...data.lines.map((one, at) => line(me, one, at)));
  me.ui.foot.replaceChildren(...sums(me));
  write(me.ui.note, data.note);
  attribute(me.ui.digits, "aria-pressed", me.exact);
  reachWide(me);
  attribute(me.root, "aria-busy", "false");
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".origins");
  const me = INSTANCES.get(root) ?? build(root);
  INSTANCES.set(root, me);
  me.act.send = (edit, replaces) => {
    attribute(root, "aria-busy", "true");
    me.outbox.send(setStateValue, edit, replaces);
  };
  for (const [name, value] of Object.entries(data.colours)) root.style.setProperty(name, value);
  if (!me.outbox.accepts(data)) return;
  if (me.data?.title !== data.title) me.open = new Set(data.lines[0]?.math.length ? [0] : []);
  me.data = data;
  draw(me);
}
