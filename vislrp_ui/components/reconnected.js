// What Streamlit leaves behind when a connection breaks. A message that left for one that was broken already, without anybody
// knowing, is not sent again; a file that was chosen right then waits without end for an answer that says where it goes.
const STATE = "data-test-connection-state";
const UPLOADER = '[data-testid="stFileUploader"]';
const ENTRY = '[data-testid="stFileUploaderFile"]';
const asked = new Set(); // files that no list shows yet, with their uploaders

/** @param {() => void} back called whenever a broken connection is whole again */
function watchConnection(back) {
  const app = document.querySelector(`[${STATE}]`);
  if (!app) return;
  let whole = true;
  new MutationObserver(() => {
    const now = app.getAttribute(STATE) === "CONNECTED";
    if (now && !whole) back();
    whole = now;
  }).observe(app, { attributes: true, attributeFilter: [STATE] });
}

// Remember each file that is chosen until its uploader lists it: the server has answered then.
function watchFiles() {
  const remember = (target, files) => {
    const box = target instanceof Element ? target.closest(UPLOADER) : null;
    if (!box || !files?.length) return;
    const choice = { box, files: [...files] };
    asked.add(choice);
    const listed = new MutationObserver((changes) => {
      const added = changes.flatMap((change) => [...change.addedNodes]);
      if (!added.some((node) => node instanceof Element && (node.matches(ENTRY) || node.querySelector(ENTRY)))) return;
      asked.delete(choice);
      listed.disconnect();
    });
    listed.observe(box, { childList: true, subtree: true });
  };
  document.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement && target.type === "file") remember(target, target.files);
  }, true);
  document.addEventListener("drop", ({ target, dataTransfer }) => remember(target, dataTransfer?.files), true);
}

// Choose once more what nobody has answered, now that the connection is back.
function chooseAgain() {
  const choices = [...asked];
  asked.clear();
  for (const { box, files } of choices) {
    const input = box.querySelector("input[type=file]");
    if (!box.isConnected || !(input instanceof HTMLInputElement)) continue;
    const carrier = new DataTransfer();
    files.forEach((file) => carrier.items.add(file));
    input.files = carrier.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
