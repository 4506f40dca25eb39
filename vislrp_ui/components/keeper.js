// The tab's storage outlives a reload, the server's session does not. What an earlier session left is offered to the
// new one once, before anything is overwritten.
const NAME = "vislrp-models";
const offered = new Set();

function read() {
  try {
    return JSON.parse(window.sessionStorage.getItem(NAME));
  } catch {
    return null;
  }
}

export default function ({ data, setStateValue }) {
  const held = read();
  const foreign = held && held.sid !== data.sid && Array.isArray(held.content) && held.content.length > 0;
  if (foreign && !data.restored) {
    if (!offered.has(data.sid)) {
      offered.add(data.sid);
      setTimeout(() => setStateValue("restore", { sid: data.sid, content: held.content }), 0);
    }
    return;
  }
  try {
    window.sessionStorage.setItem(NAME, JSON.stringify({ sid: data.sid, content: data.content }));
  } catch {
    // Storage may be full or switched off: the address still holds the active model.
  }
}
