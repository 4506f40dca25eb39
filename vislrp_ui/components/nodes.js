// Making and changing nodes: what is the same already is not touched.
const SVG = "http://www.w3.org/2000/svg";

function node(tag, className = "", attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function icon(name) {
  const made = node("span", "icon", { "aria-hidden": "true" });
  made.textContent = name;
  return made;
}

function iconButton(className, name, label, act) {
  const made = node("button", className, { type: "button", "aria-label": label, title: label });
  made.append(icon(name));
  made.onclick = (event) => {
    event.stopPropagation();
    act();
  };
  return made;
}

function attribute(target, name, value) {
  if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
}

function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

function resize(parent, count, build) {
  while (parent.children.length > count) parent.lastElementChild.remove();
  while (parent.children.length < count) parent.append(build(parent.children.length));
}

function mathml(text) {
  const math = document.importNode(new DOMParser().parseFromString(text, "application/xml").documentElement, true);
  for (const word of math.querySelectorAll("mi")) if (word.textContent.length > 1) word.classList.add("word");
  return math;
}
