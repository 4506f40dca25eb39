// The ruler of a space: where segments may end and which rules they may have. Edits show at once and are one message each.
const RULERS = new WeakMap();
const PAUSE_MS = 250;
const OPEN = 5; // segments up to which all show their rules; of more, the selected one

// Runs of rows that the same segments may hold.
function pieces(segments) {
  const found = [];
  for (let row = 1; row <= segments.at(-1).high; row += 1) {
    const held = segments.flatMap((one, place) => (row <= one.high && row > (segments[place - 1]?.low ?? 0) ? [place] : []));
    const before = found.at(-1);
    if (before && before.held.join() === held.join()) before.last = row;
    else found.push({ first: row, last: row, held });
  }
  return found;
}

// A lane for each border, so that ranges which overlap lie side by side.
function lanesOf(segments) {
  const ends = [];
  return segments.slice(0, -1).map((one) => {
    const free = ends.findIndex((last) => last < one.low);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = one.high;
    return lane;
  });
}

// A border that is moved past others takes them along; the same as state_search.pushed.
function pushed(segments, border, low, high) {
  return segments.map((one, place) => {
    if (place === border) return { ...one, low, high };
    if (place < border) return { ...one, low: Math.min(one.low, low), high: Math.min(one.high, high) };
    return { ...one, low: Math.max(one.low, low), high: Math.max(one.high, high) };
  });
}

function build(root, data) {
  const me = { root, rows: data.rows, palette: data.palette, outbox: new Outbox(), act: {}, held: null, drag: null,
    pending: null, latest: null, selected: 0 };
  const body = node("div", "body");
  me.ui = {
    body,
    blocks: node("div", "blocks", { "aria-hidden": "true" }),
    table: node("div", "table"),
    names: node("div", "names", { "aria-hidden": "true" }),
    bands: node("div", "bands", { "aria-hidden": "true" }),
    extent: node("div", "extent"),
    zones: node("div", "zones", { "aria-hidden": "true" }),
    handles: node("div", "handles"),
    cards: node("div", "choices"),
  };
  me.ui.pieces = node("div");
  me.ui.bands.append(me.ui.pieces, me.ui.extent);
  me.ui.table.append(me.ui.names, me.ui.bands, me.ui.zones, me.ui.handles);
  body.append(me.ui.blocks, me.ui.table, me.ui.cards);
  root.replaceChildren(body);
  buildRows(me);
  return me;
}

function adopt(me, data) {
  me.segments = data.segments;
  me.selected = Math.min(me.selected, data.segments.length - 1);
  for (const [name, value] of Object.entries(data.colours)) me.root.style.setProperty(name, value);
}

function endsOf(me, { low, high }) {
  return low === high ? `ends after ${me.rows[low].name}` : `ends anywhere from ${me.rows[low].name} to ${me.rows[high].name}`;
}

function draw(me) {
  if (!me.drag) me.lanes = lanesOf(me.segments);
  me.root.style.setProperty("--lane-count", Math.max(0, ...me.lanes.map((lane) => lane + 1)));
  drawPieces(me);
  drawZones(me);
  drawHandles(me);
  drawCards(me);
}

function stripes(me, held) {
  if (held.length === 1) return me.palette[held[0] % me.palette.length].fill;
  const parts = held.map((place, at) => `${me.palette[place % me.palette.length].fill} ${at * 5}px ${at * 5 + 5}px`);
  return `repeating-linear-gradient(135deg, ${parts.join(", ")})`;
}

function span(target, first, last) {
  target.style.top = `calc(var(--row) * ${first})`;
  target.style.height = `calc(var(--row) * ${last - first + 1})`;
}

function drawPieces(me) {
  const found = pieces(me.segments);
  resize(me.ui.pieces, found.length, () => node("div", "band"));
  found.forEach(({ first, last, held }, at) => {
    const piece = me.ui.pieces.children[at];
    span(piece, first, last);
    piece.style.background = stripes(me, held);
    piece.style.color = me.palette[held[0] % me.palette.length].ink;
    const numbers = held.map((place) => place + 1);
    write(piece, held.length === 1 ? String(numbers[0]) : "");
    attribute(piece, "title", `Segment ${numbers.join(" or ")}`);
    piece.onclick = () => me.act.select(held[(held.indexOf(me.selected) + 1) % held.length]);
  });
  const chosen = me.segments[me.selected];
  const first = (me.segments[me.selected - 1]?.low ?? 0) + 1;
  me.ui.extent.hidden = first > chosen.high;
  span(me.ui.extent, first, Math.max(first, chosen.high));
}

function drawZones(me) {
  resize(me.ui.zones, me.segments.length - 1, () => node("div", "zone"));
  [...me.ui.zones.children].forEach((zone, border) => {
    const { low, high } = me.segments[border];
    zone.hidden = low === high;
    zone.style.setProperty("--lane", me.lanes[border]);
    span(zone, low + 1, high);
    zone.style.background = stripes(me, [border, border + 1]);
  });
}

function drawHandles(me) {
  resize(me.ui.handles, 2 * (me.segments.length - 1), buildHandle);
  [...me.ui.handles.children].forEach((handle, at) => {
    const border = Math.floor(at / 2);
    const side = at % 2 ? "high" : "low";
    const { low, high } = me.segments[border];
    const held = me.held?.border === border ? me.held : null;
    // What is held stays what it was when it was taken: two ends that are moved onto each other can be parted again.
    const one = held ? held.end === "both" : low === high;
    const row = me.segments[border][side];
    handle.hidden = one && (held ? held.side !== side : side === "high");
    handle.style.setProperty("--lane", me.lanes[border]);
    handle.style.top = `calc(var(--row) * ${row + 1})`;
    handle.classList.toggle("hot", me.drag?.border === border && held?.side === side);
    write(handle.firstChild, `${me.rows[row].name} | ${me.rows[row + 1]?.name ?? ""}`);
    const which = one ? "" : side === "low" ? ", lowest place" : ", highest place";
    attribute(handle, "aria-label", `Border between segments ${border + 1} and ${border + 2}${which}`);
    attribute(handle, "aria-valuemin", 1);
    attribute(handle, "aria-valuemax", me.rows.length - 1);
    attribute(handle, "aria-valuenow", row);
    attribute(handle, "aria-valuetext", `after ${me.rows[row].name}, layer ${row}`);
    handle.onfocus = () => {
      if (me.held?.border === border && me.held.side === side) return;
      const now = me.segments[border];
      me.held = { border, side, end: now.low === now.high ? "both" : side };
    };
    handle.onblur = () => {
      me.act.flush();
      if (me.drag) return;
      me.held = null;
      draw(me);
    };
    handle.onpointerdown = (event) => me.act.startDrag(border, handle, event);
    handle.onkeydown = (event) => {
      const step = STEPS[event.key];
      const wanted = { Home: 1, End: me.rows.length - 1 }[event.key] ?? (step ? me.segments[border][side] + step : null);
      if (wanted === null) return;
      event.preventDefault();
      me.act.nudge(border, wanted);
    };
  });
}

function buildChip(className) {
  const chip = node("button", className, { type: "button" });
  chip.append(icon("check"), node("span"));
  return chip;
}

function drawChip(chip, text, pressed, tip, act) {
  attribute(chip, "aria-pressed", pressed);
  attribute(chip, "title", tip);
  write(chip.lastChild, text);
  chip.onclick = act;
}

function buildCard() {
  const card = node("div", "choice", { role: "group" });
  const head = node("div", "chead");
  const name = node("button", "who", { type: "button" });
  name.append(node("span", "tag", { "aria-hidden": "true" }), node("span", "title"));
  head.append(name, buildChip("chip free"));
  const notice = node("div", "notice");
  notice.append(icon("warning"), node("span"));
  card.append(head, node("div", "rules", { role: "group" }), node("div", "brief"), notice);
  return card;
}

function drawCards(me) {
  resize(me.ui.cards, me.segments.length, buildCard);
  const many = me.segments.length > OPEN;
  me.segments.forEach((segment, place) => {
    const card = me.ui.cards.children[place];
    const [head, rules, brief, notice] = card.children;
    const [name, free] = head.children;
    const { fill, ink } = me.palette[place % me.palette.length];
    const chosen = place === me.selected;
    card.style.setProperty("--fill", fill);
    card.style.setProperty("--ink", ink);
    card.classList.toggle("selected", chosen);
    attribute(card, "aria-label", `Segment ${place + 1}`);
    write(name.firstChild, String(place + 1));
    write(name.lastChild, endsOf(me, segment));
    attribute(name, "aria-pressed", chosen);
    attribute(name, "title", "Show where this segment may lie");
    name.onclick = () => me.act.select(place);
    free.hidden = place === me.segments.length - 1;
    const isFree = segment.low < segment.high;
    drawChip(free, "Free border", isFree, isFree ? "Fix the border in the middle of its range" : "Let the border move",
      () => me.act.lock(place, !isFree));
    const open = !many || chosen;
    rules.hidden = !open;
    brief.hidden = open;
    attribute(rules, "aria-label", `Rules of segment ${place + 1}`);
    resize(rules, segment.rules.length, () => buildChip("chip rule"));
    segment.rules.forEach((rule, at) => {
      drawChip(rules.children[at], rule.title, rule.on, rule.tip, () => me.act.rule(place, at));
    });
    write(brief, segment.rules.filter((rule) => rule.on).map((rule) => rule.title).join(", "));
    notice.hidden = !segment.notice;
    write(notice.lastChild, segment.notice);
  });
}

function actions(me, setStateValue) {
  const send = (edit, replaces) => me.outbox.send(setStateValue, edit, replaces);
  const act = me.act;
  const ends = (border) => [me.segments[border].low, me.segments[border].high];
  // Moves what is held, from where the segments were.
  const moveTo = (border, wanted, from) => {
    const row = Math.max(1, Math.min(wanted, me.rows.length - 1));
    const { low, high } = from[border];
    const end = me.held?.border === border ? me.held.end : "both";
    const [first, last] = { low: [row, Math.max(row, high)], high: [Math.min(row, low), row], both: [row, row] }[end];
    const before = ends(border).join();
    me.segments = pushed(from, border, first, last);
    return ends(border).join() !== before;
  };
  const sendBorder = (border) => {
    const [low, high] = ends(border);
    send({ kind: "border", border, low, high }, (edit) => edit.kind === "border" && edit.border === border);
  };
  const flush = () => {
    const waiting = me.pending;
    if (!waiting) return;
    clearTimeout(waiting.timer);
    me.pending = null;
    sendBorder(waiting.border);
  };
  act.flush = flush;
  act.select = (place) => {
    flush();
    me.selected = place;
    draw(me);
  };
  act.rule = (place, at) => {
    flush();
    me.selected = place;
    const { rules } = me.segments[place];
    const on = !rules[at].on;
    const chosen = rules.map((rule, k) => (k === at ? { ...rule, on } : rule));
    // Without any the server says in a sentence why that cannot be.
    if (chosen.some((rule) => rule.on)) me.segments = me.segments.map((one, k) => (k === place ? { ...one, rules: chosen } : one));
    draw(me);
    send({ kind: "rule", segment: place, rule: rules[at].key, on });
  };
  act.lock = (border, free) => {
    flush();
    me.selected = border;
    draw(me);
    send({ kind: "free", border, free });
  };
  act.nudge = (border, wanted) => {
    if (me.pending && me.pending.border !== border) flush();
    if (!moveTo(border, wanted, me.segments)) return;
    draw(me);
    clearTimeout(me.pending?.timer);
    me.pending = { border, timer: setTimeout(flush, PAUSE_MS) };
  };
  act.startDrag = (border, handle, event) => {
    if (event.button !== 0) return;
    flush();
    const old = me.segments;
    me.drag = { border };
    me.selected = border;
    const move = (row) => {
      if (moveTo(border, row, old)) draw(me);
    };
    const end = (keep) => {
      me.drag = null;
      if (!keep) me.segments = old;
      else if (ends(border).join() !== [old[border].low, old[border].high].join()) sendBorder(border);
      takeLatest(me, adopt, draw);
    };
    follow(me, handle, event, move, end);
    draw(me);
  };
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".ruler");
  let me = RULERS.get(root);
  if (!me || !hasRows(me, data.rows)) {
    root.style.setProperty("--rows", data.rows.length);
    me = build(root, data);
  }
  RULERS.set(root, me);
  actions(me, setStateValue);
  takeOver(me, data, adopt, draw);
  return () => {
    clearTimeout(me.pending?.timer);
    RULERS.delete(root);
  };
}
