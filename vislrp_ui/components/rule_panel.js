// The rule of the selected segment. What is moved shows at once; one message goes out when it comes to rest.
const INSTANCES = new WeakMap();
const PAUSE_MS = 220;

function written(value) {
  return value.toFixed(Math.max(2, Math.min(6, (String(value).split(".")[1] ?? "").length)));
}

function buildRow(me, parameter) {
  const row = node("div", "row");
  const symbol = node("span", "symbol");
  symbol.append(mathml(parameter.math));
  const slider = node("input", "", { type: "range", min: parameter.minimum, max: parameter.maximum, step: parameter.step,
    "aria-label": `${parameter.symbol}, slider` });
  const lock = icon("lock");
  const box = node("input", "", { type: "number", step: "any", "aria-label": parameter.symbol, inputmode: "decimal" });
  row.append(symbol, slider, lock, box);
  if (parameter.ask) row.append(iconButton("ask", "help", `Questions about ${parameter.symbol}`, () => me.act.ask(parameter.ask)));
  row.dataset.key = parameter.key;
  slider.oninput = () => me.act.preview(parameter.key, Number(slider.value));
  slider.onpointerdown = () => { me.held = true; };
  slider.onpointerup = slider.onpointercancel = () => {
    me.held = false;
    adopt(me);
  };
  slider.onchange = () => me.act.settle(parameter.key, me.byKey ? PAUSE_MS : 0);
  slider.onkeydown = () => { me.byKey = true; };
  slider.addEventListener("pointerdown", () => { me.byKey = false; });
  box.oninput = () => { box.dataset.typed = "yes"; };
  box.onblur = () => { delete box.dataset.typed; };
  box.onchange = () => {
    delete box.dataset.typed;
    const value = box.value.trim() === "" ? NaN : Number(box.value);
    if (!Number.isFinite(value)) {
      draw(me, true);
      return;
    }
    me.act.preview(parameter.key, value);
    me.act.settle(parameter.key, 0);
    draw(me, true);
  };
  box.onkeydown = (event) => {
    if (event.key === "Escape") {
      draw(me, true);
      box.select();
    }
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const size = event.shiftKey ? 10 * parameter.step : parameter.step;
    me.act.preview(parameter.key, Number((Number(box.value) + step * size).toFixed(6)));
    me.act.settle(parameter.key, PAUSE_MS);
  };
  row.onpointerenter = () => showTip(me, row, parameter);
  row.onpointerleave = () => showTip(me, null);
  row.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) showTip(me, row, parameter); });
  row.addEventListener("focusout", () => showTip(me, null));
  me.ui.rows[parameter.key] = { row, slider, box, parameter };
  return row;
}

function build(root, data) {
  const me = { root, outbox: new Outbox(), latest: null, held: false, byKey: false, pending: null, act: {}, ui: { rows: {} },
    presets: Object.fromEntries(data.presets.map((preset) => [preset.key, preset])) };
  const head = node("div", "head");
  me.ui.tag = node("span", "tag");
  me.ui.title = node("span", "muted");
  const of = node("b");
  of.textContent = "Rule of segment";
  head.append(of, me.ui.tag, me.ui.title);
  me.ui.pills = node("div", "pills", { role: "radiogroup", "aria-label": "Preset" });
  data.presets.forEach((preset, place) => {
    const pill = node("button", "pill", { type: "button", role: "radio", title: preset.tip, "data-preset": preset.key });
    pill.textContent = preset.title;
    pill.onclick = () => me.act.preset(preset.key);
    pill.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = me.ui.pills.children[(place + step + data.presets.length) % data.presets.length];
      for (const other of me.ui.pills.children) other.tabIndex = other === next ? 0 : -1;
      next.focus();
    };
    me.ui.pills.append(pill);
  });
  const sliders = node("div", "sliders");
  for (const group of data.groups) {
    const part = node("div", `group ${group.key}`, { role: "group", "aria-label": `${group.number} ${group.title}` });
    const title = node("div", "ghead");
    const name = node("span", "gname");
    name.textContent = `${group.number} ${group.title}`;
    const what = node("span", "what");
    what.textContent = what.title = group.explanation;
    title.append(node("i"), name, what);
    if (group.key === "suppression") title.append(buildScale(me));
    part.append(title, ...group.parameters.map((parameter) => buildRow(me, parameter)));
    sliders.append(part);
  }
  me.ui.note = node("p", "note");
  me.ui.warnings = node("ul", "warnings", { role: "status", "aria-label": "Warnings" });
  me.ui.tip = node("div", "tip", { role: "tooltip" });
  me.ui.tip.append(node("span"), node("span", "muted"));
  root.replaceChildren(head, me.ui.pills, sliders, me.ui.note, me.ui.warnings, me.ui.tip);
  return me;
}

function buildScale(me) {
  const scale = node("span", "scale", { role: "radiogroup", "aria-label": "Scale of ε" });
  const choices = [["absolute", "ε", "ε is added as it is"],
    ["relative", "ε rms(z)", "ε is multiplied by the root mean square of the layer's denominators z"]];
  me.ui.scales = choices.map(([key, text, tip]) => {
    const choice = node("button", "", { type: "button", role: "radio", title: tip, "data-scale": key });
    choice.textContent = text;
    choice.onclick = () => me.act.scale(key);
    choice.onkeydown = (event) => {
      if (!event.key.startsWith("Arrow")) return;
      event.preventDefault();
      me.ui.scales.find((other) => other !== choice).focus();
    };
    scale.append(choice);
    return choice;
  });
  return scale;
}

function showTip(me, row, parameter) {
  const tip = me.ui.tip;
  tip.classList.toggle("shown", row !== null);
  if (row === null) return;
  const preset = me.presets[me.preset];
  const [help, lock] = tip.children;
  write(help, parameter.help);
  write(lock, !preset.used ? "Not used by this rule." : preset.free.includes(parameter.key) ? ""
    : `Fixed by ${preset.title}; moving it makes the rule Custom.`);
  tip.style.top = `${row.offsetTop - 4}px`;
}

function draw(me, rewrite = false) {
  const preset = me.presets[me.preset];
  const focused = me.root.getRootNode().activeElement;
  write(me.ui.tag, String(me.segment + 1));
  me.ui.tag.style.background = me.fill;
  me.ui.tag.style.color = me.ink;
  write(me.ui.title, preset.title);
  for (const pill of me.ui.pills.children) {
    const chosen = pill.dataset.preset === me.preset;
    pill.classList.toggle("chosen", chosen);
    attribute(pill, "aria-checked", chosen);
    if (!me.ui.pills.contains(focused)) pill.tabIndex = chosen ? 0 : -1;
  }
  for (const [key, { row, slider, box, parameter }] of Object.entries(me.ui.rows)) {
    const value = me.values[key];
    const fixed = !preset.free.includes(key);
    row.classList.toggle("fixed", fixed);
    slider.disabled = box.disabled = !preset.used;
    if (Number(slider.value) !== value) slider.value = value;
    const share = (value - parameter.minimum) / (parameter.maximum - parameter.minimum);
    slider.style.setProperty("--share", `${100 * Math.max(0, Math.min(share, 1))}%`);
    attribute(slider, "aria-valuetext", `${written(value)}${fixed ? `, fixed by ${preset.title}` : ""}`);
    // A number that is being typed stays, whatever the server sends in reply to an earlier gesture.
    const typing = box === focused && box.dataset.typed;
    if (rewrite || (!typing && (box !== focused || Number(box.value) !== value))) box.value = written(value);
  }
  me.root.classList.toggle("unused", !preset.used);
  write(me.ui.note, preset.used ? "" : `This rule uses no parameter: ${preset.note}.`);
  for (const choice of me.ui.scales) {
    const chosen = choice.dataset.scale === me.scale;
    choice.classList.toggle("chosen", chosen);
    attribute(choice, "aria-checked", chosen);
    choice.tabIndex = chosen ? 0 : -1;
    choice.disabled = !preset.used;
  }
  const warnings = JSON.stringify(me.warnings);
  if (me.ui.warnings.dataset.state !== warnings) {
    me.ui.warnings.dataset.state = warnings;
    me.ui.warnings.replaceChildren(...me.warnings.map((sentence) => {
      const line = node("li");
      const text = node("span");
      text.textContent = sentence;
      line.append(icon("warning"), text);
      return line;
    }));
  }
}

function actions(me, setStateValue) {
  const send = (edit, replaces) => me.outbox.send(setStateValue, { segment: me.segment, ...edit }, replaces);
  const flush = () => {
    const waiting = me.pending;
    if (!waiting) return;
    clearTimeout(waiting.timer);
    me.pending = null;
    send({ kind: "parameter", key: waiting.key, value: me.values[waiting.key] },
      (edit) => edit.kind === "parameter" && edit.key === waiting.key && edit.segment === me.segment);
  };
  Object.assign(me.act, {
    flush,
    ask(about) {
      flush();
      send({ kind: "ask", about });
    },
    preview(key, value) {
      if (me.pending && me.pending.key !== key) flush();
      if (!me.presets[me.preset].free.includes(key) && me.values[key] !== value) me.preset = "custom";
      me.values = { ...me.values, [key]: value };
      me.pending ??= { key, timer: null };
      draw(me);
    },
    settle(key, pause) {
      if (me.pending?.key !== key) return;
      clearTimeout(me.pending.timer);
      if (pause === 0) flush();
      else me.pending.timer = setTimeout(flush, pause);
    },
    preset(key) {
      flush();
      if (key === me.preset) return;
      const preset = me.presets[key];
      me.preset = key;
      if (key !== "custom") {
        me.values = { ...preset.values };
        me.scale = preset.scale;
        me.warnings = [];
      }
      draw(me);
      send({ kind: "preset", preset: key });
    },
    scale(value) {
      flush();
      if (value === me.scale) return;
      me.scale = value;
      draw(me);
      send({ kind: "scale", value }, (edit) => edit.kind === "scale" && edit.segment === me.segment);
    },
  });
}

// Take over what the server says, unless a slider is being moved or an edit is newer.
function adopt(me) {
  const data = me.latest;
  if (!data || me.held || me.pending || data.seq < me.outbox.seq) return;
  const { segment, preset, values, scale, warnings, fill, ink } = data;
  Object.assign(me, { segment, preset, values: { ...values }, scale, warnings, fill, ink, latest: null });
  draw(me);
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".panel");
  const me = INSTANCES.get(root) ?? build(root, data);
  INSTANCES.set(root, me);
  if (!me.pending) actions(me, setStateValue);
  for (const [name, value] of Object.entries(data.colours)) root.style.setProperty(name, value);
  me.latest = me.outbox.accepts(data) ? data : null;
  adopt(me);
  return () => {
    clearTimeout(me.pending?.timer);
    INSTANCES.delete(root);
  };
}
