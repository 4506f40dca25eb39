// Words that show their meaning: the page keeps the meanings (`shared/terms.py`), a component opens them by their ids.
function openTerm(id, from) {
  const meaning = /** @type {any} */ (document.getElementById(id));  // `source` is newer than TypeScript's own list
  if (!meaning?.showPopover) return;
  if (meaning.matches(":popover-open")) meaning.hidePopover();
  else meaning.showPopover({ source: from });
}

function termButton(id, tip, words) {
  const made = node("button", "term", { type: "button", title: tip, "aria-haspopup": "dialog" });
  made.append(...words);
  made.onclick = (event) => {
    event.stopPropagation();
    openTerm(id, made);
  };
  return made;
}

// One stop of the Tab key for a line of words; arrow keys go along it.
function termLine(line) {
  const words = [...line.querySelectorAll(".term")];
  words.forEach((one, place) => {
    one.tabIndex = place ? -1 : 0;
    one.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const next = step && words[(place + step + words.length) % words.length];
      if (!next) return;
      event.preventDefault();
      for (const other of words) other.tabIndex = other === next ? 0 : -1;
      next.focus();
    });
  });
  return line;
}
