"""What stands at the right end of every page's header: copy the link, show it as a QR code, light or dark."""

from __future__ import annotations

from vislrp_ui.components.assets import register

_tools = register("pagetools", '<div class="tools" role="group" aria-label="This page"></div>', parts=("nodes", "large"))


def _seen() -> None:
    """The run that follows knows the theme: nothing else is to be done."""


def page_tools(key: str, mode: str) -> None:
    """Draw them.

    Parameters
    ----------
    mode : str
        "light" or "dark": the theme that this run draws for. Where the browser shows the other one, it asks for a new run.
    """
    _tools(key=key, on_theme_change=_seen, data={"mode": mode})
