// Right part of the ruler: a card for each segment (rule, formula, ten bars, the map it hands on) and the ribbons.
function buildBars(me) {
  const bars = node("div", "bars", { role: "img" });
  let group = me.parameters[0].group;
  for (const parameter of me.parameters) {
    const bar = node("div", `bar ${parameter.group}`);
    if (parameter.group !== group) bar.classList.add("apart");
    group = parameter.group;
    const symbol = node("span", "symbol");
    symbol.append(mathml(parameter.math));
    const box = node("span", "box");
    box.append(node("i"));
    bar.append(node("span", "value"), box, symbol);
    bars.append(bar);
  }
  return bars;
}

function buildCard(me) {
  const card = node("section", "card");
  const inner = node("div", "inner");
  const main = node("div", "main");
  const head = node("div", "chead");
  const close = iconButton("close", "close", "Remove", () => me.act.remove([...me.ui.cards.children].indexOf(card)));
  head.append(node("span", "tag"), node("span", "title"), node("span", "layers"), node("span", "notices"), close);
  main.append(head, node("div", "formula"), buildBars(me));
  const map = node("button", "map", { type: "button" });
  const picture = node("img", "", { alt: "", draggable: "false" });
  map.append(picture, node("span", "old"), node("span", "where"));
  map.children[1].textContent = "updating";
  inner.append(main, map);
  card.append(inner);
  map.onclick = (event) => {
    event.stopPropagation();
    const segment = me.segments[[...me.ui.cards.children].indexOf(card)];
    if (picture.hasAttribute("src")) openLarge(map, `map-${segment.layer}`, picture.src, picture.alt);
  };
  card.onclick = () => me.act.selectSegment([...me.ui.cards.children].indexOf(card));
  main.onpointerenter = () => showLens(me, card);
  main.onpointerleave = () => showLens(me, null);
  me.watch.observe(card);
  return card;
}

function drawNotices(target, notices) {
  const state = JSON.stringify(notices);
  if (target.dataset.state === state) return;
  target.dataset.state = state;
  target.replaceChildren(...notices.map((notice) => {
    const mark = node("span", `notice ${notice.level}`, { title: notice.tip });
    const full = node("span", "long");
    full.textContent = notice.text;
    const brief = node("span", "brief");
    brief.textContent = notice.short;
    mark.append(icon(notice.icon), full, brief);
    return mark;
  }));
}

function drawRule(me, card, rule) {
  const state = JSON.stringify(rule);
  if (card.dataset.rule === state) return;
  card.dataset.rule = state;
  const formula = card.querySelector(".formula");
  const fit = node("span", "fit");
  fit.append(mathml(rule.formula));
  if (formula.firstChild) me.watch.unobserve(formula.firstChild);
  formula.replaceChildren(fit);
  me.watch.observe(fit);
  const bars = card.querySelector(".bars");
  bars.classList.toggle("unused", !rule.used);
  bars.title = rule.tip;
  bars.setAttribute("aria-label", rule.tip);
  rule.bars.forEach((bar, place) => {
    const [value, box] = bars.children[place].children;
    write(value, bar.value);
    bars.children[place].classList.toggle("none", bar.zero);
    box.firstChild.style.height = `${100 * bar.share}%`;
  });
  fitFormula(card);
}

// A formula that is too long for its card gets smaller; one that is hardly legible or has no room appears on hover.
const LEAST_PX = 9;

function fitFormula(card) {
  const formula = card.querySelector(".formula");
  formula.style.fontSize = "";
  card.dataset.lens = "";
  if (!formula.clientWidth || getComputedStyle(formula).visibility === "hidden") {
    card.dataset.lens = "shown";
    return;
  }
  const wide = formula.firstChild.offsetWidth / formula.clientWidth;
  if (wide <= 1.005) return;
  const size = parseFloat(getComputedStyle(formula).fontSize) / wide - 0.1;
  formula.style.fontSize = `${Math.max(size, LEAST_PX)}px`;
  if (size < LEAST_PX + 1) card.dataset.lens = "shown";
}

function showLens(me, card) {
  const lens = me.ui.lens;
  const wanted = card?.dataset.lens === "shown";
  lens.classList.toggle("shown", wanted);
  if (!wanted) return;
  lens.replaceChildren(card.querySelector("math").cloneNode(true));
  lens.style.fontSize = "";
  const below = card.offsetTop + card.offsetHeight - 4;
  const above = card.offsetTop - lens.offsetHeight + 4;
  lens.style.top = `${below + lens.offsetHeight > me.ui.cards.clientHeight ? above : below}px`;
  const wide = lens.firstChild.getBoundingClientRect().width / (lens.clientWidth - 28);
  if (wide > 1) lens.style.fontSize = `${15 / wide}px`;
}

function drawMap(me, card, segment) {
  const map = card.querySelector(".map");
  const [picture] = map.children;
  if (segment.picture !== null && picture.getAttribute("src") !== segment.picture) picture.src = segment.picture;
  const old = segment.old || (me.updating && segment.picture === null);
  if (segment.picture === null && !old) picture.removeAttribute("src");
  const where = segment.layer === 0 ? "pixels" : me.rows[segment.layer].name;
  map.classList.toggle("stale", old);
  map.classList.toggle("nothing", !picture.hasAttribute("src"));
  map.classList.toggle("smooth", segment.layer <= me.limits.smooth);
  write(map.lastChild, where);
  attribute(map, "title", `Relevance handed on to ${where}: large view`);
  attribute(map, "aria-label", `Relevance handed on to ${where}: large view`);
  map.disabled = !picture.hasAttribute("src");
  attribute(picture, "alt", old ? `Relevance handed on to ${where}, updating` : `Relevance handed on to ${where}`);
}

function drawCards(me) {
  const count = me.segments.length;
  me.root.dataset.density = count === 1 ? "single" : count <= 5 ? "full" : count <= 8 ? "mixed" : "dense";
  resize(me.ui.cards, count, () => buildCard(me));
  me.segments.forEach((segment, place) => {
    const card = me.ui.cards.children[place];
    const selected = place === me.selected;
    const { fill, ink } = me.palette[place % me.palette.length];
    card.classList.toggle("selected", selected);
    card.classList.toggle("small", count > 5 && !selected);
    attribute(card, "aria-label", `Segment ${place + 1}`);
    attribute(card, "aria-current", selected);
    card.style.setProperty("--fill", fill);
    card.style.setProperty("--ink", ink);
    const [tag, title, layers, notices, close] = card.querySelector(".chead").children;
    write(tag, String(place + 1));
    write(title, segment.rule.title);
    const names = me.rows[segment.first].name + (segment.last > segment.first ? ` – ${me.rows[segment.last].name}` : "");
    const numbers = segment.last > segment.first ? ` · ${segment.first}–${segment.last}` : ` · ${segment.first}`;
    if (layers.dataset.text !== names + numbers) {
      layers.dataset.text = names + numbers;
      const range = node("span", "range");
      range.textContent = numbers;
      layers.replaceChildren(names, range);
      layers.title = names + numbers;
    }
    drawNotices(notices, segment.notices);
    close.hidden = count === 1;
    const heir = place ? place : 2;
    attribute(close, "aria-label", `Remove segment ${place + 1}: its layers join segment ${heir}`);
    attribute(close, "title", `Remove this segment: its layers join segment ${heir}`);
    drawRule(me, card, segment.rule);
    drawMap(me, card, segment);
  });
}

function drawRibbons(me) {
  const svg = me.ui.ribbons;
  resize(svg, me.segments.length, () => drawn("path", {}));
  const row = me.ui.names.clientHeight / me.rows.length;
  const width = svg.clientWidth;
  if (!row || !width) return;
  me.segments.forEach((segment, place) => {
    const card = me.ui.cards.children[place];
    const [top, bottom] = [segment.first * row, (segment.last + 1) * row];
    const [upper, lower] = [card.offsetTop, card.offsetTop + card.offsetHeight];
    const half = width / 2;
    attribute(svg.children[place], "d", `M0 ${top}C${half} ${top} ${half} ${upper} ${width} ${upper}V${lower}`
      + `C${half} ${lower} ${half} ${bottom} 0 ${bottom}Z`);
    attribute(svg.children[place], "fill", me.palette[place % me.palette.length].fill);
    attribute(svg.children[place], "class", place === me.selected ? "ribbon selected" : "ribbon");
  });
}
