// What is picked from a list goes out as a numbered edit (outbox.js): one that was under way when the connection broke goes
// again with the first message after it. Only the last pick counts.
const PICKS = new WeakMap();

/**
 * @param {Element} root the component's own element
 * @param {{ sid: string, seq: number }} data
 * @param {(key: string, value: object) => void} setStateValue
 * @returns {(value: unknown, chosen?: unknown) => void} call it with what was picked, and with what the server says is chosen:
 *   that is not picked again, unless another pick is on its way
 */
function picker(root, data, setStateValue) {
  if (!PICKS.has(root)) PICKS.set(root, new Outbox());
  const outbox = PICKS.get(root);
  outbox.accepts(data);
  return (value, chosen) => {
    const waiting = outbox.edits.at(-1);
    if (value === (waiting ? waiting.value : chosen)) return;
    outbox.send(setStateValue, { kind: "pick", value }, () => true);
  };
}
