// A button that opens the large view of a picture next to it.
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector(".enlarge");
  if (!button.firstElementChild) button.append(icon("zoom_in"));
  attribute(button, "title", "Large view");
  attribute(button, "aria-label", `${data.alt}: large view`);
  button.onclick = () => openLarge(button, data.view, "", data.alt);
}
