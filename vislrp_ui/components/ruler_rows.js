// What both rulers draw and how their borders are dragged: rows with numbers and names, blocks beside them, handles.
const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 5, PageUp: -5 };

function buildRows(me) {
  let block = "";
  me.rows.forEach((row, layer) => {
    const line = node("div", `layer ${row.kind}`, { "data-layer": layer });
    if (row.block !== block && layer) line.classList.add("opens");
    const number = node("span", "number");
    number.textContent = layer;
    const name = node("span", "name");
    name.textContent = row.name;
    line.append(number, name);
    me.ui.names.append(line);
    if (row.block !== block && row.block !== "input") {
      const label = node("div", "block");
      const length = me.rows.filter((other) => other.block === row.block).length;
      label.style.top = `calc(var(--row) * ${layer})`;
      label.style.height = `calc(var(--row) * ${length})`;
      label.append(node("span"));
      label.firstChild.textContent = row.block;
      me.ui.blocks.append(label);
    }
    block = row.block;
  });
}

function buildHandle() {
  const handle = node("div", "handle", { role: "slider", tabindex: "0", "aria-orientation": "vertical" });
  handle.append(node("span", "parts"), node("span", "grip"));
  return handle;
}

// Where a pointer is, in rows from the top of the first one.
function heightOf(me, event) {
  const box = me.ui.names.getBoundingClientRect();
  return ((event.clientY - box.top) / box.height) * me.rows.length;
}

function rowAt(me, event) {
  return Math.max(0, Math.min(Math.floor(heightOf(me, event)), me.rows.length - 1));
}

/**
 * Let a handle follow the pointer that has just gone down on it.
 * @param {any} me the ruler
 * @param {HTMLElement} handle
 * @param {PointerEvent} event
 * @param {(row: number) => void} move called with the row whose lower edge is nearest
 * @param {(keep: boolean) => void} end called once; false after Escape, or when the gesture was taken away
 */
function follow(me, handle, event, move, end) {
  event.preventDefault();
  handle.focus();
  handle.setPointerCapture(event.pointerId);
  handle.classList.add("hot");
  handle.onpointermove = (moved) => move(Math.round(heightOf(me, moved)) - 1);
  const finish = (keep) => {
    handle.onpointermove = handle.onpointerup = handle.onpointercancel = null;
    document.removeEventListener("keydown", escape, true);
    end(keep);
  };
  const escape = (pressed) => {
    if (pressed.key !== "Escape") return;
    pressed.stopPropagation();
    finish(false);
  };
  handle.onpointerup = () => finish(true);
  handle.onpointercancel = () => finish(false);
  document.addEventListener("keydown", escape, true);
}

// Whether a ruler was built for these rows: another network may have others.
function hasRows(me, rows) {
  return me.rows.length === rows.length && me.rows.every((row, k) => row.name === rows[k].name);
}

/**
 * Take over what the server says, unless a gesture is under way or an edit that it does not know yet.
 * @param {any} me the ruler
 * @param {any} data
 * @param {(me: any, data: any) => void} adopt
 * @param {(me: any) => void} draw
 */
function takeOver(me, data, adopt, draw) {
  if (me.drag) {
    me.latest = data;
  } else if (me.outbox.accepts(data) && !me.pending) {
    adopt(me, data);
    draw(me);
  }
}

/**
 * After a gesture: what the server said meanwhile counts, unless it is older than the edit.
 * @param {any} me the ruler
 * @param {(me: any, data: any) => void} adopt
 * @param {(me: any) => void} draw
 */
function takeLatest(me, adopt, draw) {
  if (me.latest && me.outbox.accepts(me.latest)) adopt(me, me.latest);
  me.latest = null;
  draw(me);
}
