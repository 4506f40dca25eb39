// Chips of kept sets: nodes are reused, so that focus survives every rerun.
function build() {
  const chip = node("button", "chip", { type: "button" });
  chip.append(node("b"), node("span", "title"), node("span", "effect"));
  return chip;
}

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".chips");
  const pick = picker(root, data, setStateValue);
  for (const [name, colour] of Object.entries(data.colours)) root.style.setProperty(name, colour);
  resize(root, data.rows.length, build);
  data.rows.forEach((row, place) => {
    const chip = root.children[place];
    attribute(chip, "class", row.active ? "chip active" : "chip");
    attribute(chip, "title", row.tip);
    attribute(chip, "aria-pressed", row.active);
    chip.dataset.id = row.id;
    write(chip.children[0], row.letter);
    write(chip.children[1], row.title);
    write(chip.children[2], row.effect);
    chip.onclick = () => pick(row.id);
  });
}
