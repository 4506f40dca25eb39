"""A page's view as a report: the button, what the reports of all pages have in common, and the file that a click makes.

Streamlit makes a deferred file in a thread that has no session: whatever a report needs of it is looked up when the button
is drawn, and only that. Nothing of the network is computed for a report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import streamlit as st
from PIL import Image

from vislrp_core.images import FITS
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Prediction
from vislrp_core.report import ReportModel, ReportPicture, ReportSums, ReportTable, look_settings, origin_of, segment_maps
from vislrp_core.report import ViewReport as ViewReport
from vislrp_core.report_html import html_of
from vislrp_ui import permalink, theme
from vislrp_ui.answers import Maps
from vislrp_ui.components.beforeafter import pair_rows, verdict
from vislrp_ui.gate import GATE
from vislrp_ui.own_networks import OWN
from vislrp_ui.samples import samples
from vislrp_ui.shared import codes, widgets
from vislrp_ui.state import ImageRef, Look, Visit
from vislrp_ui.streamlit_inside import PopoverContainer

LABEL = "Report (HTML)"
HELP = "One file to read without the program, and to print. It holds what this page shows; nothing is computed for it."
_LOCAL = ("localhost", "127.0.0.1", "::1")


def button(make: Callable[[], ViewReport], stem: str, adds: str) -> None:
    """The download.

    Parameters
    ----------
    make : callable
        Called when it is clicked, in a thread without a session.
    stem : str
        Name of the file without its ending.
    adds : str
        What this page's report holds, as a line below the button.
    """
    st.download_button(
        LABEL,
        partial(write, make),
        f"{stem}_report.html",
        "text/html",
        key="report",
        icon=":material/summarize:",
        on_click="ignore",
        width="stretch",
        help=HELP,
    )
    st.caption(adds)


def write(make: Callable[[], ViewReport]) -> bytes:
    """The file; colouring its maps takes a turn at the compute gate."""
    with GATE.slot():
        return html_of(make()).encode("utf-8")


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a report needs of the session that it is made in.

    Attributes
    ----------
    url : str
        Address of the page without its parameters; empty where no browser has told it.
    """

    network: Network
    url: str

    def link(self, visit: Visit, shown: Iterable[ImageRef]) -> dict[str, Any]:
        """The view's address and what it does not carry, as `ViewReport` takes them."""
        address = f"{self.url}?{urlencode(permalink.to_params(visit))}"
        notes = []
        if any(ref.kind == "upload" for ref in shown):
            notes.append(
                "The link does not carry the uploaded picture: it stays in the browser that it was uploaded in. Elsewhere, "
                "upload the same file again."
            )
        if visit.network == OWN:
            notes.append("The link does not carry the network, which was uploaded for this visit alone.")
        if (urlsplit(self.url).hostname or "") in _LOCAL:
            notes.append("This address works on the computer that it was made on only.")
        drawing = codes.svg(address)
        return {"link": address, "link_notes": tuple(notes), "link_code": "" if drawing is None else drawing.decode()}

    def origin(self) -> tuple[tuple[str, str], ...]:
        """Network, arithmetic, versions."""
        return origin_of(self.network, Streamlit=st.__version__)


def surroundings(network: Network) -> Surroundings:
    """What is looked up while the page is drawn."""
    return Surroundings(network, st.context.url or "")


def photograph(ref: ImageRef, seen: Image.Image) -> ReportPicture:
    """A picture with its credit, which its licence asks for."""
    if ref.kind == "sample" and ref.id in samples():
        sample = samples()[ref.id]
        credit = f"Photograph: {sample.author}, {sample.licence}, {sample.changes.rstrip('.')}."
    else:
        credit = "An uploaded image."
    return ReportPicture(
        widgets.image_title(ref), seen, widgets.image_alt(ref), f"As the network sees it ({FITS[ref.fit]}). {credit}"
    )


def is_dark(look: Look) -> bool:
    """Whether maps take the dark spectrum: a report is on light paper unless the look asks for dark maps."""
    return look.paper == "dark"


def look_of(look: Look) -> dict[str, Any]:
    """How `map_picture` and `segment_maps` colour."""
    return {"range": look.range, "spectrum": look.spectrum, "dark": is_dark(look)}


def settings(look: Look) -> tuple[tuple[str, str], ...]:
    """How maps are coloured, in words."""
    return look_settings(look.spectrum, look.range, look.opacity if look.overlay else None, is_dark(look))


def model_of(model: LRPModel, maps: Maps | None, look: Look) -> ReportModel:
    """A model, with the maps that its segments hand on."""
    shown = {} if maps is None else segment_maps(model, maps.maps, **look_of(look))
    return ReportModel(model, shown, tuple(theme.segment_colour(place) for place in range(len(model.segments))))


def before_and_after(title: str, before: Sequence[Prediction], after: Sequence[Prediction], target: int) -> ReportTable:
    """Predictions before and after an intervention: the rows, numbers and sentence of `components.beforeafter`."""
    rows, marked = [], set()
    for place, one in enumerate(pair_rows(before, after, target)):
        sign = {"up": "+", "down": "−", "same": ""}[one["direction"]]
        name = one["name"] + "".join(f" ({tag})" for tag in (one["tag"], "explained" if one["target"] else "") if tag)
        change = f"{sign}{one['change']}"
        rows.append((name, f"{one['before']}\u202f%", f"{one['after']}\u202f%", change, one["logit"], one["logits"][6:]))
        marked |= {place} if one["target"] else set()
    sentence = "".join(words for words, _ in verdict(before, after, target))
    head = ("Class", "Before", "After", "Change, points", "Change of logit", "Logit")
    return ReportTable(title, head, tuple(rows), frozenset(range(1, 6)), frozenset(marked), sentence)


def number(value: float, digits: int, unit: str = "") -> str:
    """A number as tables on pages show it; a dash where there is none."""
    return f"{value:.{digits}f}{unit}".replace("-", "−") if math.isfinite(value) else "–"


def menu() -> PopoverContainer:
    """Where the button stands on pages without a menu of exports."""
    return widgets.menu(
        "Report", key="menu-report", icon=":material/summarize:", help="This view as one file, to read and to print"
    )


def sums_of(maps: Maps, network: Network) -> ReportSums:
    """Relevance per layer."""
    return ReportSums(tuple(row.name for row in network.architecture.rows), maps.positive, maps.negative)
