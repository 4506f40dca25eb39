// Edits on their way to the server (protocol.py): numbered, repeated until confirmed, never undone by older data.
const CONNECTION = "data-test-connection-state";

/**
 * Run something once a broken connection is back: Streamlit keeps what was done meanwhile and says nothing about it.
 * @param {() => void} then not called where the connection is whole
 * @returns {boolean} whether it will be called
 */
function onceConnected(then) {
  const app = document.querySelector(`[${CONNECTION}]`);
  if (!app || app.getAttribute(CONNECTION) === "CONNECTED") return false;
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
  }

  // Whether data from the server knows of everything that was done here.
  accepts(data) {
    if (data.sid !== this.sid) {
      this.sid = data.sid;
      this.seq = data.seq;
      this.edits = [];
      return true;
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
    const say = () => setStateValue("edit", { sid: this.sid, edits: [...this.edits] });
    say();
    // One message brings all that waits, however much was done meanwhile.
    this.waits ||= onceConnected(() => {
      this.waits = false;
      if (this.edits.length) say();
    });
  }
}
