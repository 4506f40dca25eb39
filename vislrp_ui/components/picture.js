// A picture as a button. The node is reused: focus survives a rerun, and an unchanged picture is not loaded again.
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector(".picture");
  if (!button.firstElementChild) button.append(node("img", "", { draggable: "false" }), icon("zoom_in"));
  const image = button.firstElementChild;
  attribute(image, "alt", data.alt);
  if (image.getAttribute("src") !== data.source) image.src = data.source;
  image.classList.toggle("pixels", !data.smooth);
  attribute(button, "title", "Large view");
  attribute(button, "aria-label", `${data.alt}: large view`);
  button.onclick = () => openLarge(button, data.view, data.source, data.alt);
}
