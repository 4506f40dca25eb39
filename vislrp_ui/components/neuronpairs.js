// Pairs of small maps: two pictures fill all of them. Nodes are reused, so that focus survives a rerun.
const KINDS = ["relevance", "activation"];

function build() {
  const figure = node("figure");
  const both = node("div", "both");
  both.append(...KINDS.map((kind) => node("button", kind, { type: "button" })));
  const words = node("figcaption");
  words.append(node("b"), node("span"));
  figure.append(both, words);
  return figure;
}

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".neurons");
  KINDS.forEach((kind, place) => root.style.setProperty(`--${kind}`, `url("${data.sheets[place]}")`));
  root.style.setProperty("--size", `${100 * data.neurons.length}% 100%`);
  resize(root, data.neurons.length, build);
  data.neurons.forEach((one, place) => {
    const [both, words] = root.children[place].children;
    attribute(root.children[place], "title", one.tip);
    write(words.firstChild, String(one.neuron));
    write(words.lastChild, one.sum);
    KINDS.forEach((kind, at) => {
      const button = both.children[at];
      const label = `Neuron ${one.neuron} of ${data.name}: ${kind}`;
      button.style.backgroundPosition = `${(100 * place) / Math.max(data.neurons.length - 1, 1)}% 0`;
      attribute(button, "aria-label", `${label}: large view`);
      button.onclick = () => openLarge(button, `${kind}-${one.neuron}`, "", label);
    });
  });
}
