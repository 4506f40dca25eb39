// Left part of the ruler: rows, bands of the segments, borders, relevance per layer. Nodes are built once and reused.
function short(value) {
  if (value === null || value === undefined) return "not known";
  const size = Math.abs(value);
  const digits = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  const text = size !== 0 && (size < 0.001 || size >= 1e6) ? value.toExponential(1) : value.toFixed(digits);
  return text.replace("-", "−");
}

function buildStrip(me) {
  const svg = drawn("svg", { viewBox: `-100 0 200 ${me.rows.length}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  me.ui.bars = me.rows.map((row, layer) => ["negative", "positive"].map((sign) => {
    const bar = drawn("rect", { class: sign, y: layer + 0.13, height: 0.74, width: 0, x: 0 });
    svg.append(bar);
    return bar;
  }));
  svg.append(drawn("path", { class: "zero", d: `M0 0V${me.rows.length}` }));
  me.ui.total = drawn("path", { class: "total" });
  svg.append(me.ui.total);
  me.ui.strip.append(svg);
  me.ui.sigmas = [0, me.rows.length - 1].map((layer) => {
    const label = node("span", "sigma");
    label.style.top = `calc(var(--row) * ${layer})`;
    me.ui.strip.append(label);
    return label;
  });
}

function buildTable(me) {
  buildRows(me);
  [...me.ui.names.children].forEach((line, layer) => {
    line.setAttribute("role", "option");
    line.onclick = () => me.act.selectLayer(layer);
  });
  me.ui.mark = node("span", "pixelrule");
  me.ui.names.children[1].append(me.ui.mark);
  buildStrip(me);
  me.ui.names.onkeydown = (event) => {
    const layer = Number(event.target.dataset.layer);
    const next = { ArrowDown: layer + 1, ArrowUp: layer - 1, Home: 0, End: me.rows.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") me.act.selectLayer(layer);
    else if (event.key === "s" || event.key === "S") me.act.split(layer);
    else if (next !== undefined && me.rows[next]) me.ui.names.children[next].focus();
    else return;
    event.preventDefault();
  };
  me.ui.names.addEventListener("focusin", (event) => {
    for (const row of me.ui.names.children) row.tabIndex = row === event.target ? 0 : -1;
    if (event.target.matches(":focus-visible")) showTip(me, Number(event.target.dataset.layer));
  });
  me.ui.names.addEventListener("focusout", () => showTip(me, null));
  me.ui.splitter = iconButton("splitter", "content_cut", "Split", () => me.act.split(me.hover));
  me.ui.splitter.tabIndex = -1;
  me.ui.table.append(me.ui.splitter);
  me.ui.table.onpointermove = (event) => { if (!me.drag && event.target !== me.ui.splitter) hoverRow(me, rowAt(me, event)); };
  me.ui.table.onpointerleave = () => hoverRow(me, null);
  me.ui.strip.onpointermove = (event) => showTip(me, rowAt(me, event));
  me.ui.strip.onpointerleave = () => showTip(me, null);
  me.ui.strip.onclick = (event) => me.act.selectLayer(rowAt(me, event));
}

function hoverRow(me, layer) {
  me.hover = layer;
  const segment = layer ? me.segments.find((s) => s.first <= layer && layer < s.last) : undefined;
  const shown = segment !== undefined && me.segments.length < me.limits.segments;
  me.ui.splitter.classList.toggle("shown", shown);
  if (!shown) return;
  me.ui.splitter.style.top = `calc(var(--row) * ${layer + 0.5})`;
  const label = `Split below ${me.rows[layer].name}`;
  attribute(me.ui.splitter, "aria-label", label);
  attribute(me.ui.splitter, "title", label);
}

function total(me, layer) {
  const [negative, positive] = [me.negative[layer], me.positive[layer]];
  return negative === null || positive === null ? null : negative + positive;
}

function facts(me, layer) {
  if (total(me, layer) === null) return "relevance not known";
  const parts = [`+ ${short(me.positive[layer])}`, `− ${short(Math.abs(me.negative[layer]))}`, `Σ ${short(total(me, layer))}`];
  const absorbed = layer ? total(me, layer) - (total(me, layer - 1) ?? NaN) : NaN;
  const scale = Math.max(me.positive[me.limits.last] ?? 0, -(me.negative[me.limits.last] ?? 0));
  if (Number.isFinite(absorbed)) {
    const word = absorbed < 0 ? "adds" : "absorbs";
    parts.push(Math.abs(absorbed) < 1e-4 * scale ? "absorbs nothing" : `${word} ${short(Math.abs(absorbed))}`);
  }
  return parts.join("  ");
}

function showTip(me, layer) {
  const tip = me.ui.tip;
  tip.classList.toggle("shown", layer !== null);
  if (layer === null) return;
  tip.style.top = `calc(var(--row) * ${layer + 0.5})`;
  write(tip.firstChild, `${layer} ${me.rows[layer].name}`);
  write(tip.lastChild, facts(me, layer));
}

function drawStrip(me) {
  const sums = JSON.stringify([me.negative, me.positive]);
  if (me.drawnSums === sums) return;
  me.drawnSums = sums;
  const known = [...me.negative, ...me.positive].filter((value) => value !== null).map(Math.abs);
  const largest = Math.max(...known, 1e-30);
  const scaled = (value) => Math.sign(value) * 98 * Math.sqrt(Math.abs(value) / largest);
  let path = "";
  me.rows.forEach((row, layer) => {
    const [negative, positive] = me.ui.bars[layer];
    const [left, right] = [scaled(me.negative[layer] ?? 0), scaled(me.positive[layer] ?? 0)];
    negative.setAttribute("x", left);
    negative.setAttribute("width", -left);
    positive.setAttribute("width", right);
    const sum = total(me, layer);
    if (sum !== null) path += `${path && total(me, layer - 1) !== null ? "L" : "M"}${scaled(sum)} ${layer}V${layer + 1}`;
  });
  me.ui.total.setAttribute("d", path);
  me.ui.sigmas.forEach((label, end) => {
    const layer = end * me.limits.last;
    const sum = total(me, layer);
    write(label, sum === null ? "" : `Σ ${short(sum)}`);
    const room = [scaled(me.negative[layer] ?? 0) + 100, 100 - Math.max(scaled(me.positive[layer] ?? 0), scaled(sum ?? 0))];
    label.classList.toggle("left", room[0] > room[1]);
  });
}

function drawRows(me) {
  const focused = me.root.getRootNode().activeElement;
  const current = me.layer ?? 0;
  me.rows.forEach((row, layer) => {
    const line = me.ui.names.children[layer];
    line.classList.toggle("selected", me.layer === layer);
    attribute(line, "aria-selected", layer === current);
    attribute(line, "aria-label", `${row.name}, layer ${layer}, ${facts(me, layer)}`);
    if (!me.ui.names.contains(focused)) line.tabIndex = layer === current ? 0 : -1;
    attribute(line, "title", layer ? `Show the map at ${row.name}` : "Show the map of the pixels");
  });
  write(me.ui.mark, me.pixelRule);
  attribute(me.ui.mark, "title", me.pixelTip);
}

function drawBands(me) {
  resize(me.ui.bands, me.segments.length, () => node("div", "band", { role: "radio" }));
  me.segments.forEach((segment, place) => {
    const band = me.ui.bands.children[place];
    const { fill, ink } = me.palette[place % me.palette.length];
    band.style.top = `calc(var(--row) * ${segment.first})`;
    band.style.height = `calc(var(--row) * ${segment.last - segment.first + 1})`;
    band.style.background = fill;
    band.style.color = ink;
    band.classList.toggle("selected", place === me.selected);
    band.tabIndex = place === me.selected ? 0 : -1;
    attribute(band, "aria-checked", place === me.selected);
    attribute(band, "aria-label", `Segment ${place + 1}, ${segment.rule.title}, ${me.rows[segment.first].name} to `
      + `${me.rows[segment.last].name}`);
    attribute(band, "title", "Click: select · Delete: remove · S: split in the middle");
    write(band, String(place + 1));
    band.onclick = () => me.act.selectSegment(place);
    band.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Enter" || event.key === " ") me.act.selectSegment(place);
      else if (event.key === "Delete" || event.key === "Backspace") me.act.remove(place);
      else if (event.key === "s" || event.key === "S") me.act.split(Math.floor((segment.first + segment.last) / 2));
      else if (step) {
        const next = me.ui.bands.children[place + step];
        next?.focus();
        if (next) me.act.selectSegment(place + step);
      } else return;
      event.preventDefault();
    };
  });
}

function drawHandles(me) {
  resize(me.ui.handles, me.segments.length - 1, buildHandle);
  [...me.ui.handles.children].forEach((handle, border) => {
    const [below, above] = me.segments.slice(border, border + 2);
    handle.style.top = `calc(var(--row) * ${below.last + 1})`;
    handle.classList.toggle("hot", me.drag?.border === border);
    const names = `${me.rows[below.last].name} | ${me.rows[above.first].name}`;
    write(handle.firstChild, names);
    attribute(handle, "aria-label", `Border between segments ${border + 1} and ${border + 2}`);
    attribute(handle, "aria-valuemin", below.first);
    attribute(handle, "aria-valuemax", above.last - 1);
    attribute(handle, "aria-valuenow", below.last);
    attribute(handle, "aria-valuetext", `below ${me.rows[below.last].name}, layer ${below.last}`);
    handle.onpointerdown = (event) => me.act.startDrag(border, handle, event);
    handle.onkeydown = (event) => {
      const step = STEPS[event.key];
      const last = { Home: below.first, End: above.last - 1 }[event.key] ?? (step ? below.last + step : null);
      if (last === null) return;
      event.preventDefault();
      me.act.nudge(border, last);
    };
    handle.onblur = () => me.act.flush();
  });
}
