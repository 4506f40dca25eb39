// The segment ruler: local edits at once, one message each, the server's answer when it is no older than the last edit.
const INSTANCES = new WeakMap();
const PAUSE_MS = 200;

function build(root, data) {
  const me = { root, outbox: new Outbox(), drag: null, latest: null, pending: null, hover: null, act: {}, ui: {} };
  Object.assign(me, { rows: data.rows, parameters: data.parameters, palette: data.palette, limits: data.limits });
  const head = node("div", "head");
  const labels = [["to-names", "Layer"], ["to-strip", ""], ["to-cards", ""]].map(([place, text]) => {
    const label = node("span", place);
    label.textContent = text;
    head.append(label);
    return label;
  });
  const signs = ["−", " relevance ", "+"].map((text, at) => {
    const sign = node("span", ["negative", "", "positive"][at]);
    sign.textContent = text;
    return sign;
  });
  labels[1].append(...signs);
  labels[1].title = "Sum of negative and of positive relevance per layer, and their total as a line; square-root scale";
  const flows = node("span");
  flows.textContent = "relevance flows up";
  const handed = node("span", "handed");
  handed.textContent = "handed on";
  labels[2].append(icon("arrow_upward"), flows, handed);
  const body = node("div", "body");
  me.ui = {
    blocks: node("div", "blocks", { "aria-hidden": "true" }),
    table: node("div", "table"),
    names: node("div", "names", { role: "listbox", "aria-label": "Layers" }),
    bands: node("div", "bands", { role: "radiogroup", "aria-label": "Segments" }),
    handles: node("div", "handles"),
    strip: node("div", "strip"),
    ribbons: drawn("svg", { class: "ribbons", "aria-hidden": "true" }),
    cards: node("div", "cards"),
    tip: node("div", "tip", { role: "tooltip" }),
    lens: node("div", "lens", { "aria-hidden": "true" }),
  };
  me.ui.table.append(me.ui.names, me.ui.bands, me.ui.handles);
  me.ui.tip.append(node("b"), node("span"));
  body.append(me.ui.blocks, me.ui.table, me.ui.strip, me.ui.ribbons, me.ui.cards, me.ui.tip, me.ui.lens);
  const foot = node("div", "foot");
  me.ui.add = iconButton("add", "add", "Add a segment at the highest layers", () => me.act.add());
  foot.append(me.ui.add);
  root.replaceChildren(head, body, foot);
  me.watch = new ResizeObserver(() => {
    for (const card of me.ui.cards.children) fitFormula(card);
    drawRibbons(me);
  });
  buildTable(me);
  me.watch.observe(body);
  return me;
}

// Take over what the server says; what it does not know yet (sums of an unfinished run) keeps its last state.
function adopt(me, data) {
  const before = me.segments ?? [];
  me.segments = data.segments.map((segment, place) => {
    const kept = data.updating && segment.picture === null ? before[place]?.picture ?? null : segment.picture;
    return { ...segment, picture: kept, old: data.updating };
  });
  me.selected = data.selected;
  me.layer = data.layer;
  me.updating = data.updating;
  me.fresh = data.fresh;
  me.pixelRule = data.pixel_rule;
  me.pixelTip = data.pixel_tip;
  const empty = data.positive.every((value) => value === null);
  if (!empty || !data.updating || !me.positive) {
    me.negative = data.negative;
    me.positive = data.positive;
  }
  for (const [name, value] of Object.entries(data.colours)) me.root.style.setProperty(name, value);
}

function draw(me) {
  const inside = me.root.contains(me.root.getRootNode().activeElement);
  drawBands(me);
  drawHandles(me);
  drawStrip(me);
  drawRows(me);
  drawCards(me);
  drawRibbons(me);
  me.ui.add.disabled = me.segments.length >= me.limits.segments;
  if (inside && !me.root.contains(me.root.getRootNode().activeElement)) me.ui.bands.children[me.selected].focus();
}

function actions(me, setStateValue) {
  const send = (edit, replaces) => me.outbox.send(setStateValue, edit, replaces);
  const outdate = (place) => me.segments.forEach((segment, at) => { if (at <= place) segment.old = true; });
  const holds = (layer) => me.segments.findIndex((s) => s.first <= layer && layer <= s.last);
  const moveTo = (border, wanted) => {
    const [below, above] = me.segments.slice(border, border + 2);
    const last = Math.max(below.first, Math.min(wanted, above.last - 1));
    if (last === below.last) return false;
    below.last = last;
    above.first = last + 1;
    above.layer = last;
    return true;
  };
  const act = me.act;
  const flush = () => {
    const waiting = me.pending;
    if (!waiting) return;
    clearTimeout(waiting.timer);
    me.pending = null;
    send({ kind: "move", border: waiting.border, last: me.segments[waiting.border].last });
  };
  act.flush = flush;
  act.selectSegment = (place) => {
    flush();
    if (place === me.selected) return;
    me.selected = place;
    draw(me);
    send({ kind: "segment", segment: place }, (edit) => edit.kind === "segment");
  };
  act.selectLayer = (layer) => {
    flush();
    me.layer = layer || null;
    me.selected = holds(Math.max(layer, 1));
    draw(me);
    send({ kind: "layer", layer }, (edit) => edit.kind === "layer");
  };
  act.add = () => {
    flush();
    const donor = me.segments.findLastIndex((segment) => segment.last > segment.first);
    if (me.segments.length >= me.limits.segments || donor < 0) return;
    const highest = me.segments.at(-1);
    const top = highest.last;
    if (donor === me.segments.length - 1) highest.last = highest.first + Math.floor((top - highest.first - 1) / 2);
    else {
      me.segments.slice(donor).forEach((segment, at) => {
        segment.last -= 1;
        if (at) segment.first -= 1;
        segment.layer = segment.first - 1;
      });
    }
    me.segments.push({ ...highest, first: highest.last + 1, last: top, layer: highest.last, rule: me.fresh, notices: [],
      picture: null });
    outdate(me.segments.length - 1);
    me.selected = me.segments.length - 1;
    draw(me);
    send({ kind: "add" });
  };
  act.remove = (place) => {
    flush();
    if (me.segments.length === 1) return;
    const [gone] = me.segments.splice(place, 1);
    const heir = Math.max(place - 1, 0);
    const kept = me.segments[heir];
    kept.first = Math.min(kept.first, gone.first);
    kept.last = Math.max(kept.last, gone.last);
    kept.layer = kept.first - 1;
    if (place < me.selected) me.selected -= 1;
    me.selected = Math.min(me.selected, me.segments.length - 1);
    outdate(heir);
    draw(me);
    send({ kind: "remove", segment: place });
  };
  act.split = (row) => {
    flush();
    const place = row ? holds(row) : -1;
    const segment = me.segments[place];
    if (!segment || row >= segment.last || me.segments.length >= me.limits.segments) return;
    me.segments.splice(place + 1, 0, { ...segment, first: row + 1, layer: row, picture: null, old: true });
    segment.last = row;
    me.selected = place + 1;
    outdate(place);
    hoverRow(me, null);
    draw(me);
    send({ kind: "split", segment: place, row });
  };
  act.nudge = (border, last) => {
    if (me.pending && me.pending.border !== border) flush();
    if (!moveTo(border, last)) return;
    outdate(border + 1);
    draw(me);
    clearTimeout(me.pending?.timer);
    me.pending = { border, timer: setTimeout(flush, PAUSE_MS) };
  };
  act.startDrag = (border, handle, event) => {
    if (event.button !== 0) return;
    flush();
    const old = me.segments.map((segment) => ({ ...segment }));
    me.drag = { border };
    const move = (row) => {
      if (moveTo(border, row)) {
        outdate(border + 1);
        draw(me);
      }
    };
    const end = (keep) => {
      me.drag = null;
      const last = me.segments[border].last;
      if (!keep) me.segments = old;
      else if (last !== old[border].last) send({ kind: "move", border, last });
      else me.segments = old;
      takeLatest(me, adopt, draw);
    };
    follow(me, handle, event, move, end);
  };
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".ruler");
  let me = INSTANCES.get(root);
  if (!me || !hasRows(me, data.rows)) {
    me?.watch.disconnect();
    root.style.setProperty("--rows", data.rows.length);
    me = build(root, data);
  }
  INSTANCES.set(root, me);
  actions(me, setStateValue);
  takeOver(me, data, adopt, draw);
  return () => {
    me.watch.disconnect();
    clearTimeout(me.pending?.timer);
    INSTANCES.delete(root);
  };
}
