"""The right end of every page's header: copy the link, share it in other ways, light or dark; dialogs by keyboard."""

from __future__ import annotations

from collections.abc import Callable

from vislrp_ui.components.assets import register

_tools = register("pagetools", '<div class="tools" role="group" aria-label="This page"></div>', parts=("nodes", "dialogs"))


def page_tools(key: str, mode: str, on_theme: Callable[[], None], on_share: Callable[[], None]) -> None:
    """Draw them.

    Parameters
    ----------
    mode : str
        "light" or "dark": the theme that this run draws for. Where the browser shows the other one, it asks for a new run.
    on_theme : callable
        Called before that run, which finds out the theme anyway.
    on_share : callable
        Called when the dialog is asked for.
    """
    _tools(key=key, on_theme_change=on_theme, on_share_change=on_share, data={"mode": mode})
