// Ask for the large view of a picture: `largeview.js`, which is on every page, hears it.
function openLarge(opener, id, picture, title, more = {}) {
  window.dispatchEvent(new CustomEvent("vislrp-large", { detail: { id, picture, title, opener, more } }));
}
