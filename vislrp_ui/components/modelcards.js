// Cards of models: DOM nodes are reused, so that focus and scroll position survive every rerun.
function span(className, text) {
  const node = document.createElement("span");
  node.className = className;
  node.textContent = text;
  return node;
}

function fill(node, card, data, pick) {
  const active = card.id === data.active;
  node.className = "card" + (active ? " active" : "");
  node.dataset.id = card.id;
  node.title = card.tip;
  node.setAttribute("role", "radio");
  node.setAttribute("aria-checked", String(active));
  node.tabIndex = active ? 0 : -1;
  const head = document.createElement("div");
  head.className = "head";
  head.append(span("name", card.name));
  if (!data.compact && card.tag === "working copy") head.append(span("tag", card.tag));
  const bar = document.createElement("div");
  bar.className = "bar";
  for (const segment of card.bar) {
    const part = span("part", segment.text);
    part.style.flexGrow = segment.layers;
    part.style.background = segment.fill;
    part.style.color = segment.ink;
    part.title = segment.tip;
    bar.append(part);
  }
  node.replaceChildren(head, bar);
  node.onclick = () => pick(card.id);
}

// Scroll the list, not the page, until the card is seen.
function reveal(list, card) {
  if (!card) return;
  const [outer, inner] = [list.getBoundingClientRect(), card.getBoundingClientRect()];
  if (inner.top < outer.top) list.scrollTop += inner.top - outer.top - 3;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom + 3;
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".cards");
  const pick = picker(root, data, setStateValue);
  while (root.children.length > data.cards.length) root.lastElementChild.remove();
  while (root.children.length < data.cards.length) root.append(document.createElement("div"));
  data.cards.forEach((card, place) => {
    const node = root.children[place];
    const state = JSON.stringify([card, card.id === data.active, data.compact]);
    if (node.dataset.state !== state) {
      fill(node, card, data, pick);
      node.dataset.state = state;
    }
  });
  if (root.dataset.active !== data.active) {
    root.dataset.active = data.active;
    reveal(root, root.querySelector(".active"));
  }
  root.onkeydown = (event) => {
    const place = [...root.children].indexOf(event.target.closest(".card"));
    if (place < 0) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pick(data.cards[place].id);
      return;
    }
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const next = step && root.children[place + step];
    if (!next) return;
    event.preventDefault();
    for (const card of root.children) card.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
}
