"""A picture that opens its large view on a click, on Enter and on Space."""

from __future__ import annotations

from vislrp_ui.components.assets import register

_picture = register(
    "picture", '<button type="button" class="picture" aria-label="Large view"></button>', parts=("nodes", "large")
)
_enlarge = register(
    "enlarge", '<button type="button" class="enlarge" aria-label="Large view"></button>', parts=("nodes", "large")
)


def picture(key: str, source: str, alt: str, view: str, *, smooth: bool = True) -> None:
    """Draw the picture.

    Its size comes from the page: `--picture-width` (100 % of its place by default) and `--picture-side` (its largest side).

    Parameters
    ----------
    key : str
        Component key; the component sends nothing back.
    source : str
        Address of the picture.
    alt : str
        What it shows.
    view : str
        Id that `vislrp_ui.shared.large.offer` returned.
    """
    _picture(key=key, data={"source": source, "alt": alt, "view": view, "smooth": smooth})


def enlarge(key: str, alt: str, view: str) -> None:
    """A small button that opens the large view of a picture on which a click means something else.

    Parameters
    ----------
    alt : str
        What the picture shows.
    """
    _enlarge(key=key, data={"alt": alt, "view": view})
