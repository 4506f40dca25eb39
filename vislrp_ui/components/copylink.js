// The clipboard interface needs https or localhost; elsewhere the old command still copies a selected field.
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser refused");
}

export default function ({ parentElement, data }) {
  const button = parentElement.querySelector(".copy");
  const word = button.querySelector(".word");
  word.textContent = data.word;
  button.title = "Copy the address: it opens this very view in another browser";
  button.onclick = () => {
    copy(window.location.href).then(
      () => { word.textContent = "Copied"; },
      () => { word.textContent = "Copy it from the address bar"; },
    ).finally(() => { setTimeout(() => { word.textContent = data.word; }, 1800); });
  };
}
