// Ask for the large view of a picture: `largeview.js`, which is on every page, hears it, or finds it when it comes later.
function openLarge(opener, id, picture, title) {
  /** @type {any} */
  const shared = window;
  shared.vislrpAsked = { id, picture, title, opener };
  window.dispatchEvent(new CustomEvent("vislrp-large"));
}
