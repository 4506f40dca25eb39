// Edits on their way to the server (protocol.py): numbered, repeated until confirmed, never undone by older data.
const CONNECTION = "data-test-connection-state";

/** @returns {boolean} whether what is sent now reaches a server */
function isConnected() {
  const app = document.querySelector(`[${CONNECTION}]`);
  return !app || app.getAttribute(CONNECTION) === "CONNECTED";
}

/**
 * Run something once a broken connection is back: Streamlit keeps what was done meanwhile and says nothing about it.
 * @param {() => void} then not called where the connection is whole
 * @returns {boolean} whether it will be called
 */
function onceConnected(then) {
  const app = document.querySelector(`[${CONNECTION}]`);
  if (!app || isConnected()) return false;
  const watch = new MutationObserver(() => {
    if (app.getAttribute(CONNECTION) !== "CONNECTED") return;
    watch.disconnect();
    then();
  });
  watch.observe(app, { attributes: true, attributeFilter: [CONNECTION] });
  return true;
}

class Outbox {
  constructor() {
    this.sid = null;
    this.seq = 0;
    this.edits = [];
    this.waits = false;
    this.alone = new Set(); // numbers of edits that were made without a connection
    this.say = () => {};
  }

  // Whether data from the server knows of everything that was done here.
  accepts(data) {
    if (data.sid !== this.sid) {
      // Another session, as after a restart of the server: it has the view from the address. What was done while there was
      // no server is done there; edits on their way to the old one may have reached the address, and are not done twice.
      const alone = this.edits.filter((edit) => this.alone.has(edit.seq));
      this.sid = data.sid;
      this.seq = data.seq;
      this.alone.clear();
      this.edits = alone.map((edit) => ({ ...edit, seq: (this.seq += 1) }));
      if (!alone.length) return true;
      queueMicrotask(this.say);
      return false;
    }
    this.edits = this.edits.filter((edit) => edit.seq > data.seq);
    if (data.seq < this.seq) return false;
    this.seq = data.seq;
    return true;
  }

  /**
   * Send an edit; unconfirmed ones that it makes superfluous are dropped.
   * @param {(key: string, value: object) => void} setStateValue
   * @param {object} edit
   * @param {(waiting: any) => boolean} replaces which of the unconfirmed edits are superfluous now
   */
  send(setStateValue, edit, replaces = () => false) {
    this.seq += 1;
    this.edits = this.edits.filter((waiting) => !replaces(waiting));
    this.edits.push({ ...edit, seq: this.seq });
    if (!isConnected()) this.alone.add(this.seq);
    this.say = () => setStateValue("edit", { sid: this.sid, edits: [...this.edits] });
    this.say();
    // One message brings all that waits, however much was done meanwhile.
    this.waits ||= onceConnected(() => {
      this.waits = false;
      if (this.edits.length) this.say();
    });
  }
}
