"""A button that copies the page's address, and says that it did."""

from __future__ import annotations

from vislrp_ui.components.assets import register

_button = register("copylink", '<button type="button" class="copy"><span class="icon" aria-hidden="true">link</span>'
                               '<span class="word"></span></button>')


def copy_link(key: str = "copy-link", *, word: str = "Copy link") -> None:
    """Draw the button."""
    _button(key=key, data={"word": word})
