// What the components decide without a page: edits on their way, numbers as text, segments under gestures.
import assert from "node:assert/strict";
import test from "node:test";

import { functionsOf } from "./bundle.mjs";

const { Outbox } = await functionsOf("outbox", [], ["Outbox"]);
const { number, ranks } = await functionsOf("matrix", ["outbox", "nodes"], ["number", "ranks"]);
const { picker } = await functionsOf("picks", ["outbox"], ["picker"]);
const panel = await functionsOf("rule_panel", ["outbox", "nodes"], ["actions", "adopt", "written"], ["draw"]);
const ruler = await functionsOf("ruler", ["outbox", "nodes", "large", "ruler_rows", "ruler_table", "ruler_cards"], ["actions", "short"],
  ["draw", "hoverRow"]);
const space = await functionsOf("spaceruler", ["outbox", "nodes", "ruler_rows"], ["actions", "lanesOf", "pieces"], ["draw"]);

// The connection as Streamlit's page tells of it.
const connection = { state: "CONNECTED", /** @type {Set<() => void>} */ watchers: new Set() };
Object.assign(globalThis, {
  document: { querySelector: () => ({ getAttribute: () => connection.state }) },
  MutationObserver: class {
    constructor(/** @type {() => void} */ told) {
      this.told = told;
    }
    observe() {
      connection.watchers.add(this.told);
    }
    disconnect() {
      connection.watchers.delete(this.told);
    }
  },
});

function connect(/** @type {string} */ state) {
  connection.state = state;
  [...connection.watchers].forEach((told) => told());
}

function sentBy(send) {
  const messages = [];
  send((key, message) => messages.push({ key, ...structuredClone(message) }));
  return messages;
}

test("edits are numbered and repeated until the server has confirmed them", () => {
  const outbox = new Outbox();
  assert.equal(outbox.accepts({ sid: "a", seq: 3 }), true);
  const messages = sentBy((set) => {
    outbox.send(set, { kind: "add" });
    outbox.send(set, { kind: "remove" });
  });
  assert.deepEqual(messages.map((one) => one.edits.map((edit) => edit.seq)), [[4], [4, 5]]);
  assert.ok(messages.every((one) => one.key === "edit" && one.sid === "a"));
  assert.equal(outbox.accepts({ sid: "a", seq: 4 }), false, "data older than the newest edit is not shown");
  assert.deepEqual(outbox.edits.map((edit) => edit.seq), [5]);
  assert.equal(outbox.accepts({ sid: "a", seq: 5 }), true);
  assert.deepEqual(outbox.edits, []);
});

test("what is done while there is no connection goes once more when it is back, unless it has been confirmed", () => {
  const outbox = new Outbox();
  outbox.accepts({ sid: "a", seq: 0 });
  const messages = sentBy((set) => {
    connect("PINGING_SERVER");
    outbox.send(set, { kind: "add" });
    connect("CONNECTING");
    connect("CONNECTED");
    connect("PINGING_SERVER");
    connect("CONNECTED");
    connect("PINGING_SERVER");
    outbox.send(set, { kind: "remove" });
    outbox.accepts({ sid: "a", seq: 2 });
    connect("CONNECTED");
    connect("PINGING_SERVER");
    outbox.send(set, { kind: "split" });
    outbox.send(set, { kind: "add" });
    connect("CONNECTED");
  });
  assert.deepEqual(messages.map((one) => one.edits.map((edit) => edit.seq)), [[1], [1], [1, 2], [3], [3, 4], [3, 4]]);
  assert.equal(connection.watchers.size, 0);
});

test("what was done without a server is done in the session that follows, once; what was on its way is not repeated", async () => {
  const outbox = new Outbox();
  outbox.accepts({ sid: "a", seq: 4 });
  const messages = [];
  const set = (/** @type {string} */ _key, /** @type {any} */ message) => messages.push(structuredClone(message));
  outbox.send(set, { kind: "split" });
  connect("PINGING_SERVER");
  outbox.send(set, { kind: "add" });
  outbox.send(set, { kind: "remove" });
  connect("CONNECTED");
  messages.length = 0;
  assert.equal(outbox.accepts({ sid: "b", seq: 0 }), false, "it does not know of them yet");
  await Promise.resolve();
  assert.deepEqual(messages, [{ sid: "b", edits: [{ kind: "add", seq: 1 }, { kind: "remove", seq: 2 }] }]);
  assert.equal(outbox.accepts({ sid: "b", seq: 2 }), true);
  assert.equal(outbox.accepts({ sid: "c", seq: 0 }), true, "they were confirmed");
  assert.deepEqual(outbox.edits, []);
});

test("the last pick is repeated until the server has confirmed it; what is chosen already is not picked", () => {
  const root = /** @type {any} */ ({});
  const messages = sentBy((set) => {
    const pick = picker(root, { sid: "a", seq: 0 }, set);
    pick("x", "x");
    pick("y", "x");
    pick("y", "x");
    pick("x", "x");
    picker(root, { sid: "a", seq: 2 }, set)("x", "x");
  });
  assert.deepEqual(messages.map((one) => one.edits.map(({ value, seq }) => [value, seq])), [[["y", 1]], [["x", 2]]]);
});

test("an edit takes the place of one that it makes superfluous", () => {
  const outbox = new Outbox();
  outbox.accepts({ sid: "a", seq: 0 });
  const messages = sentBy((set) => {
    outbox.send(set, { kind: "segment", segment: 1 });
    outbox.send(set, { kind: "segment", segment: 2 }, (edit) => edit.kind === "segment");
  });
  assert.deepEqual(messages[1].edits, [{ kind: "segment", segment: 2, seq: 2 }]);
});

test("another session's data is taken whatever was waiting", () => {
  const outbox = new Outbox();
  outbox.accepts({ sid: "a", seq: 9 });
  outbox.send(() => {}, { kind: "add" });
  assert.equal(outbox.accepts({ sid: "b", seq: 0 }), true);
  assert.deepEqual([outbox.seq, outbox.edits], [0, []]);
});

test("ranks begin with the largest value; equal ones keep their order", () => {
  assert.deepEqual(ranks([0.5, 3, -1, 3]), [3, 1, 4, 2]);
  assert.deepEqual(ranks([]), []);
});

test("numbers of the matrix have three digits, a real minus and, where wanted, a plus", () => {
  assert.equal(number(1234.5, false), "1\u2009235");
  assert.equal(number(-0.12345, true), "−0.123");
  assert.equal(number(0.12345, true), "+0.123");
  assert.equal(number(0.00012345, false), "1.2e−4");
  assert.equal(number(0, true), "0");
});

test("sums beside the ruler say when they are not known", () => {
  assert.equal(ruler.short(null), "not known");
  assert.equal(ruler.short(-12.34), "−12.3");
  assert.equal(ruler.short(0.0001), "1.0e−4");
  assert.equal(ruler.short(0), "0");
});

test("parameters keep the digits that were typed, from two to six", () => {
  assert.equal(panel.written(0.3), "0.30");
  assert.equal(panel.written(0.1234), "0.1234");
  assert.equal(panel.written(0.123456789), "0.123457");
});

function aPanel() {
  const me = { act: {}, outbox: new Outbox(), segment: 0, preset: "gamma", values: { gamma1p: 0.25, epsilon: 0 }, pending: null,
    presets: { gamma: { free: ["gamma1p"], values: { gamma1p: 0.25, epsilon: 0 }, scale: "absolute" },
      custom: { free: ["gamma1p", "epsilon"] } }, scale: "absolute", warnings: [] };
  me.outbox.accepts({ sid: "a", seq: 0 });
  return me;
}

test("a slider of the preset keeps it, any other makes the rule custom", () => {
  const me = aPanel();
  const messages = sentBy((set) => {
    panel.actions(me, set);
    me.act.preview("gamma1p", 0.5);
    me.act.settle("gamma1p", 0);
    assert.equal(me.preset, "gamma");
    me.act.preview("epsilon", 0.1);
    me.act.settle("epsilon", 0);
  });
  assert.equal(me.preset, "custom");
  assert.deepEqual(messages.at(-1).edits.map(({ key, value }) => [key, value]), [["gamma1p", 0.5], ["epsilon", 0.1]]);
});

test("a preset sends what was being moved first, and then itself", () => {
  const me = aPanel();
  const messages = sentBy((set) => {
    panel.actions(me, set);
    me.act.preview("epsilon", 0.1);
    me.act.preset("gamma");
  });
  assert.deepEqual(messages.map((one) => one.edits.at(-1).kind), ["parameter", "preset"]);
  assert.deepEqual(me.values, { gamma1p: 0.25, epsilon: 0 });
});

test("what the server says waits while a slider is held or an edit is newer", () => {
  const me = { ...aPanel(), latest: { segment: 2, preset: "gamma", values: { gamma1p: 1 }, seq: 0 } };
  panel.adopt({ ...me, held: true });
  assert.equal(me.segment, 0);
  me.outbox.send(() => {}, { kind: "preset" });
  panel.adopt(me);
  assert.equal(me.segment, 0);
  me.latest.seq = 1;
  panel.adopt(me);
  assert.deepEqual([me.segment, me.values, me.latest], [2, { gamma1p: 1 }, null]);
});

function aRuler(...lasts) {
  const segments = lasts.map((last, place) => ({ first: place ? lasts[place - 1] + 1 : 1, last, picture: "kept", old: false }));
  const me = { act: {}, outbox: new Outbox(), segments, selected: 0, layer: null, pending: null, limits: { segments: 12 },
    fresh: { title: "LRP-0" } };
  me.outbox.accepts({ sid: "a", seq: 0 });
  return me;
}

function aSpace(...ends) {
  const rules = () => [{ key: "gamma", title: "LRP-γ", on: true }, { key: "zero", title: "LRP-0", on: false }];
  const segments = ends.map(([low, high]) => ({ low, high, rules: rules(), notice: "" }));
  const rows = Array.from({ length: 39 }, (_, k) => ({ name: `row ${k}` }));
  const me = { act: {}, outbox: new Outbox(), segments, rows, selected: 0, held: null, drag: null, pending: null, latest: null };
  me.outbox.accepts({ sid: "a", seq: 0 });
  return me;
}

test("rows of a space belong to the segments that may hold them; ranges that overlap lie in lanes of their own", () => {
  const { segments } = aSpace([5, 17], [10, 24], [24, 31], [38, 38]);
  assert.deepEqual(space.pieces(segments).map(({ first, last, held }) => [first, last, held.join()]), [
    [1, 5, "0"], [6, 10, "0,1"], [11, 17, "0,1,2"], [18, 24, "1,2"], [25, 31, "2,3"], [32, 38, "3"]]);
  assert.deepEqual(space.lanesOf(segments), [0, 1, 0]);
  assert.deepEqual(space.pieces(aSpace([9, 9], [9, 9], [38, 38]).segments).map((one) => one.held), [[0], [2]]);
});

test("an end of a range takes the other along and pushes its neighbours, and is sent once", () => {
  const me = aSpace([5, 17], [20, 24], [38, 38]);
  const messages = sentBy((set) => {
    space.actions(me, set);
    me.held = { border: 0, side: "low", end: "low" };
    me.act.nudge(0, 18);
    me.act.nudge(0, 22);
    me.act.nudge(0, 99);
    me.act.nudge(0, 22);
    me.act.flush();
  });
  assert.deepEqual(me.segments.map(({ low, high }) => [low, high]), [[22, 38], [38, 38], [38, 38]]);
  assert.deepEqual(messages.map((one) => one.edits.at(-1)), [{ kind: "border", border: 0, low: 22, high: 38, seq: 1 }]);
});

test("rules are allowed by a click; the last one is left to the server, which says why it stays", () => {
  const me = aSpace([9, 9], [38, 38]);
  const messages = sentBy((set) => {
    space.actions(me, set);
    me.act.rule(1, 1);
    me.act.rule(0, 0);
    me.act.lock(0, true);
  });
  assert.deepEqual(me.segments.map((one) => one.rules.map((rule) => rule.on)), [[true, false], [true, true]]);
  assert.deepEqual(messages.map((one) => one.edits.at(-1)), [
    { kind: "rule", segment: 1, rule: "zero", on: true, seq: 1 }, { kind: "rule", segment: 0, rule: "gamma", on: false, seq: 2 },
    { kind: "free", border: 0, free: true, seq: 3 }]);
});

function covered(me) {
  me.segments.forEach((segment, place) => {
    assert.ok(segment.first <= segment.last);
    assert.equal(segment.first, place ? me.segments[place - 1].last + 1 : 1);
  });
  return me.segments.map((segment) => segment.last);
}

test("gestures keep the segments without gap or overlap", () => {
  const me = aRuler(38);
  ruler.actions(me, () => {});
  for (let count = 0; count < 15; count += 1) me.act.add();
  assert.equal(me.segments.length, 12, "no more than the limit");
  covered(me);
  me.act.remove(3);
  me.act.remove(0);
  assert.equal(covered(me).length, 10);
  while (me.segments.length > 1) me.act.remove(me.segments.length - 1);
  me.act.remove(0);
  assert.deepEqual(covered(me), [38], "the last segment stays");
});

test("a split makes two segments of one, and not at its end", () => {
  const me = aRuler(10, 38);
  const messages = sentBy((set) => {
    ruler.actions(me, set);
    me.act.split(20);
    me.act.split(10);
  });
  assert.deepEqual(covered(me), [10, 20, 38]);
  assert.deepEqual(messages.map((one) => one.edits.at(-1).kind), ["split"]);
  assert.equal(me.selected, 2);
});

test("a border that is nudged stops at its neighbours and is sent once", () => {
  const me = aRuler(10, 20, 38);
  const messages = sentBy((set) => {
    ruler.actions(me, set);
    me.act.nudge(0, 11);
    me.act.nudge(0, 99);
    me.act.flush();
  });
  assert.deepEqual(covered(me), [19, 20, 38]);
  assert.deepEqual(messages.map((one) => one.edits.at(-1)), [{ kind: "move", border: 0, last: 19, seq: 1 }]);
  assert.ok(me.segments[0].old && me.segments[1].old && !me.segments[2].old, "only maps at and below the border are outdated");
});
