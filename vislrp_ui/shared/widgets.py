"""Native pieces that several pages share: image, target class, look of maps, network, credits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, Literal

import streamlit as st

from vislrp_core import containers
from vislrp_core.heatmap import RANGES, SPECTRA
from vislrp_core.images import FITS, MAX_BYTES, SIDE, ImageError
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.rules import KEYS, Rule
from vislrp_ui import service, session, state
from vislrp_ui.inbox import mirror
from vislrp_ui.samples import samples
from vislrp_ui.shared import kept_panel
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import ImageRef, Visit
from vislrp_ui.streamlit_inside import PopoverContainer, page_hash

UPLOAD_TYPES = list(containers.ENDINGS)
UPLOAD_MB = MAX_BYTES // 2**20
_PRESSED, _PAGE = "_pressed", "_pressed_page"
_RANGE_TITLES = {"max": "Largest value", "p99.5": "99.5th percentile", "p99": "99th percentile", "tutorial": "LRP tutorial"}
_FIT_TITLES = {"crop": "Centre crop", "squash": "Whole picture"}
_PAPER_TITLES = {"theme": "As the page", "light": "Light", "dark": "Dark"}


def pressed(label: str, *, key: str, **options: Any) -> bool:
    """A button whose click is answered where it is drawn: the click is remembered until `answered`.

    Streamlit's own forgets it when a newer edit ends the run before that.
    """
    st.button(label, key=key, on_click=_remember, args=(key,), **options)
    return key in _presses()


def press(key: str) -> None:
    """In a callback: what a component's button asks for is to be done where the page looks for it."""
    _remember(key)


def is_pressed(key: str) -> bool:
    """Whether that waits to be done."""
    return key in _presses()


def answered(key: str) -> None:
    """What a click asked for is done."""
    _presses().discard(key)


def _remember(key: str) -> None:
    st.session_state.setdefault(_PRESSED, set()).add(key)


def _presses() -> set[str]:
    """Buttons of this page that were clicked; those of a page that was left do not count any more."""
    keys: set[str] = st.session_state.setdefault(_PRESSED, set())
    page = page_hash()
    if st.session_state.get(_PAGE, page) != page:
        keys.clear()
    st.session_state[_PAGE] = page
    return keys


def on_change(key: str, change: Callable[..., Visit], name: str | None = None, kind: Any = object) -> Callable[[], None]:
    """Callback that hands the widget's value to a function of the visit, by position or under a name.

    A value that is not of its `kind` is dropped: for a label that is no longer among its options a select box returns text.
    """

    def call() -> None:
        value = st.session_state[key]
        if value is not None and isinstance(value, kind):
            session.update(change, **{name: value}) if name else session.update(change, value)

    return call


def menu(
    label: str,
    *,
    key: str,
    icon: str,
    help: str | None = None,
    type: Literal["secondary", "tertiary"] = "tertiary",
    disabled: bool = False,
) -> PopoverContainer:
    """A popover whose content is drawn while it is open, and only then: `if box.open: with box: ...`.

    Content of a closed popover would cost every run, and the browser would go on sending the old values of its widgets,
    which undoes what was changed elsewhere since.
    """
    return st.popover(label, key=key, icon=icon or None, help=help, type=type, disabled=disabled, on_change="rerun")


# --- image ----------------------------------------------------------------------------------------


def choose_sample(id: str) -> None:
    """Callback: show a sample image."""
    visit = session.get_visit()
    session.set_visit(state.choose_image(visit, ImageRef("sample", id, visit.image.fit)))


def uploaded(key: str) -> ImageRef | None:
    """The picture that a file uploader was given, kept; a file that is none gets its sentence."""
    file = st.session_state[key]
    if file is None:
        return None
    try:
        return session.add_upload(file.getvalue(), file.name)
    except ImageError as error:
        session.notify(str(error))
        return None


def take_upload(key: str) -> None:
    """Callback of a file uploader: keep the picture and show it."""
    ref = uploaded(key)
    if ref is not None:
        session.set_visit(state.choose_image(session.get_visit(), ref))


def uploader(key: str) -> None:
    """File uploader for one picture."""
    st.file_uploader(
        "Upload an image",
        type=UPLOAD_TYPES,
        key=key,
        on_change=take_upload,
        args=(key,),
        max_upload_size=UPLOAD_MB,
        help=f"{containers.READABLE}, at most 10 MB and 40 megapixels. It stays in this browser "
        "and is shown to nobody else.",
    )
    kept_panel.button(key)


def thumbnail(id: str) -> bytes:
    """Small picture of a sample image."""
    return service.thumbnail(ImageRef("sample", id))


@st.dialog("Choose an image", width="large")
def gallery() -> None:
    """The sample images with their credits."""
    columns = st.columns(5, gap="small")
    for place, sample in enumerate(samples().values()):
        # The button's area covers the photograph above it.
        with columns[place % 5], st.container(key=f"pick-{sample.id}", gap="xsmall"):
            st.image(thumbnail(sample.id), alt=sample.shows, width="stretch")
            if st.button(
                escaped(sample.title),
                key=f"sample-{sample.id}",
                on_click=choose_sample,
                args=(sample.id,),
                width="stretch",
                help=escaped(sample.shows),
            ):
                st.rerun()
    with st.expander("Credits"):
        credits()


def credits() -> None:
    """Who took the sample photographs, under which licence, and what was changed."""
    st.markdown("\n".join(f"- **{escaped(sample.title)}**: {sample.credit}" for sample in samples().values()))


def image_title(ref: ImageRef) -> str:
    """Name of an image in lists and figures."""
    return samples()[ref.id].title if ref.kind == "sample" and ref.id in samples() else "Your image"


def image_alt(ref: ImageRef) -> str:
    """What a picture shows, for those who cannot see it."""
    return samples()[ref.id].shows if ref.kind == "sample" and ref.id in samples() else "Your uploaded image"


def image_credit(ref: ImageRef) -> str:
    """One line of markdown about the picture shown."""
    if ref.kind == "sample" and ref.id in samples():
        sample = samples()[ref.id]
        return f"**{escaped(sample.title)}**. {sample.credit}"
    return "Your image: kept in this browser at the size that the network sees, and shown to nobody else."


def fit_control(ref: ImageRef, help: str | None = None) -> None:
    """The way to the network's size."""
    key = mirror("fit", ref.fit)
    st.segmented_control(
        f"How it is resized to {SIDE} × {SIDE}",
        list(FITS),
        key=key,
        on_change=on_change(key, state.set_fit),
        format_func=_FIT_TITLES.__getitem__,
        help=help,
        required=True,
    )


def image_picker(visit: Visit, *, title: str = "Image") -> None:
    """Head of the image: its title, gallery, upload and the way to the network's size."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="image-head"):
        st.html(f'<h2 class="v-head">{title}</h2>', width="stretch")
        if pressed(
            "Choose a sample image",
            icon=":material/photo_library:",
            type="tertiary",
            key="open-gallery",
            help="Choose one of the sample images",
        ):
            gallery()
            answered("open-gallery")
        box = menu("Upload an image", key="menu-upload", icon=":material/upload:", help="Upload an image, and how it is cut")
    if box.open:
        with box:
            uploader("upload")
            fit_control(visit.image, "Centre crop: " + FITS["crop"] + ". Whole picture: " + FITS["squash"] + ".")
            st.caption(image_credit(visit.image))


def first_pass(net: Network, ref: ImageRef) -> AbstractContextManager[Any]:
    """A note while the network looks at a picture for the first time; nothing when it has done so."""
    if service.has_seen(net, ref):
        return nullcontext()
    return st.spinner("The network looks at the image")


# --- target class ---------------------------------------------------------------------------------


@cache
def class_labels(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Names of all classes as the search shows them: a name that two classes share gets its number, so that all differ."""
    often = Counter(classes)
    return tuple(name if often[name] == 1 else f"{name} (class {index})" for index, name in enumerate(classes))


def say_unknown_classes(net: Network, key: str, asked: Sequence[int]) -> None:
    """Tell once which of the classes asked for the network lacks: the first class is explained in their place."""
    unknown = tuple(sorted({one for one in asked if not 0 <= one < net.num_classes}))
    place = f"_unknown_{key}"
    if st.session_state.get(place, ()) == (net.digest, unknown) or not unknown:
        st.session_state[place] = (net.digest, unknown)
        return
    st.session_state[place] = (net.digest, unknown)
    names = ", ".join(map(str, unknown[:3])) + (" and others" if len(unknown) > 3 else "")
    session.notify(
        f"{net.title} has the classes 0 to {net.num_classes - 1}, there is no class {names}: the first class of "
        "the prediction is explained instead."
    )
    st.rerun()


def target_select(
    net: Network,
    visit: Visit,
    *,
    key: str = "target",
    change: Callable[..., Visit] = state.choose_target,
    value: int | None = None,
    label: str = "Target class",
) -> int:
    """Search over all classes, the most probable first; returns the class to explain."""
    order = service.logits(net, visit.image).argsort(descending=True).tolist()
    asked = visit.target if value is None else value
    say_unknown_classes(net, key, [] if asked is None else [asked])
    target = service.target_of(net, visit.image, asked)
    labels = class_labels(net.classes)
    st.selectbox(
        label,
        order,
        key=mirror(key, target, labels[target]),
        on_change=on_change(key, change, kind=int),
        label_visibility="collapsed",
        format_func=labels.__getitem__,
        help="Any of the network's classes: type to search",
    )
    return target


# --- look of maps ---------------------------------------------------------------------------------


def look_popover(visit: Visit) -> None:
    """Spectrum, range, overlay, background of all maps."""
    look = visit.look
    box = menu("Colours", key="menu-look", icon=":material/palette:", help="Colours of the maps")
    if not box.open:
        return
    with box:
        for key, title, options, value, show in (
            ("spectrum", "Colour spectrum", list(SPECTRA), look.spectrum, _spectrum_title),
            ("range", "Range", list(RANGES), look.range, _RANGE_TITLES.__getitem__),
        ):
            name = mirror(f"look-{key}", value)
            st.selectbox(
                title,
                options,
                key=name,
                format_func=show,
                on_change=on_change(name, state.set_look, key),
                help=RANGES[look.range] if key == "range" else None,
            )
        name = mirror("look-overlay", look.overlay)
        st.toggle("Over the image", key=name, on_change=on_change(name, state.set_look, "overlay"))
        name = mirror("look-opacity", look.opacity)
        st.slider(
            "Opacity of the map",
            0.0,
            1.0,
            key=name,
            step=0.05,
            disabled=not look.overlay,
            on_change=on_change(name, state.set_look, "opacity"),
        )
        name = mirror("look-paper", look.paper)
        st.segmented_control(
            "Background of the maps",
            list(_PAPER_TITLES),
            key=name,
            required=True,
            format_func=_PAPER_TITLES.__getitem__,
            on_change=on_change(name, state.set_look, "paper"),
        )


def _spectrum_title(key: str) -> str:
    spectrum = SPECTRA[key]
    return spectrum.title + (" (colour-blind safe)" if spectrum.colour_blind_safe else "")


# --- LRP-0 everywhere -----------------------------------------------------------------------------

READABLE = "configuration_2"
"""The example that reads well on every sample image."""


def is_plain(model: LRPModel) -> bool:
    """Whether every segment has LRP-0, by name or by its parameters."""
    zero = Rule.of("zero")
    return all(getattr(segment.rule, key) == getattr(zero, key) for segment in model.segments for key in KEYS)


def plain_hint(visit: Visit) -> None:
    """Under a map of LRP-0 on all layers: why it looks like noise, and the button to a readable composite."""
    examples = {entry.id: entry.name for entry in visit.models if entry.origin == "example"}
    if READABLE not in examples or not is_plain(visit.model):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="plain-hint"):
        st.caption("LRP-0 on all layers is noisy by nature.", width="content")
        st.button(
            f"Start from {escaped(examples[READABLE])}",
            icon=":material/tune:",
            type="tertiary",
            key="plain-start",
            on_click=session.update,
            args=(state.activate, READABLE),
            help="Your model stays in the list as it is",
        )
