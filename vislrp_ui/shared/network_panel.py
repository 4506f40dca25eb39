"""The network menu: the running network, the alternatives, a download, and the visitor's own network."""

from __future__ import annotations

import streamlit as st

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.downloads import download_allowed
from vislrp_core.network import NetworkError
from vislrp_ui import own_networks, rooms, running, session
from vislrp_ui.background import stop_all
from vislrp_ui.download_job import JOB
from vislrp_ui.own_networks import OWN
from vislrp_ui.shared import fitting, literal, widgets
from vislrp_ui.shared.literal import escaped
from vislrp_ui.shared.widgets import answered, mirror, pressed
from vislrp_ui.state import Visit
from vislrp_ui.streamlit_inside import forget_upload

TITLES = {"embedded": "Embedded VGG16", "imagenet": "Full VGG16, ImageNet weights", OWN: "My network"}
_TURNS, _REFUSED = "_own_turns", "_own_refused"
OFFER = (
    "The full VGG16 with torchvision's ImageNet weights is a 528 MB download. It runs in the background; the "
    "current network stays until you switch."
)


def menu(visit: Visit) -> None:
    """Which network is running, what it is, and which others are available."""
    title = running.network_title()
    box = widgets.menu(
        escaped(TITLES.get(title, title)),
        key="menu-network",
        icon=":material/deployed_code:",
        help="The network being explained",
    )
    if box.open:
        with box:
            panel(visit)


def panel(visit: Visit) -> None:
    """Body of the network menu."""
    try:
        net = running.network()
        st.markdown(f"**{escaped(net.title)}** is running.  \n{escaped(net.description)}")
    except NetworkError as error:
        literal.error(str(error))
    choices = running.network_choices()
    current = running.network_key()
    if len(choices) > 1 or current not in choices:
        key = mirror("network", current if current in choices else None)
        st.radio(
            "Network",
            choices,
            key=key,
            index=None,
            format_func=lambda name: escaped(TITLES.get(name, str(name))),
            on_change=_switch,
            args=(key,),
        )
    if "imagenet" not in choices:
        if download_allowed():
            _download()
        else:
            st.caption("The full VGG16 is not on this server, and downloads are switched off here.")
    _own_network()


def _switch(key: str) -> None:
    if st.session_state[key] is not None:
        fitting.switch(st.session_state[key])


def _own_network() -> None:
    st.markdown("**Use my network**")
    if not own_networks.allowed():
        st.caption("This server does not accept networks from its visitors.")
        return
    known = ", ".join(architecture.title for architecture in ARCHITECTURES.values())
    limit = own_networks.file_mb()
    *kinds, last = (f".{one}" for one in own_networks.WEIGHT_TYPES)
    # Streamlit's own words about the file are hidden: it makes 1 GB of 600 MB.
    st.caption(
        f"A state dict of {known}, with or without batch normalization, with torchvision's names, as a "
        f"{', '.join(kinds)} or {last} file. It is used as soon as it is uploaded; the server keeps it in memory for this "
        f"visit only and then forgets it. A file may be up to {limit} MB; the networks of all visitors share "
        f"{own_networks.limit_mb()} MB."
    )
    key = f"own-weights-{_turn('weights')}"
    st.file_uploader(
        "Weights", type=list(own_networks.WEIGHT_TYPES), key=key, on_change=_take, args=(key,), max_upload_size=limit
    )
    key = f"own-labels-{_turn('labels')}"
    st.file_uploader(
        "Class names (optional)",
        type=list(own_networks.LABEL_TYPES),
        key=key,
        on_change=_name,
        args=(key,),
        max_upload_size=1,
        help="A JSON list, or a text file with one name per line, in the order of the "
        "classes. If you upload the names first, they wait for the weights",
    )
    if _REFUSED in st.session_state:  # here, where the visitor is looking: on a phone the top of the page is far away
        literal.warning(st.session_state[_REFUSED], icon=":material/error:")


def _turn(field: str) -> int:
    """Number of an upload field: each file is followed by a fresh field, so that the file itself is not kept."""
    turns: dict[str, int] = st.session_state.setdefault(_TURNS, {"weights": 0, "labels": 0})
    return turns[field]


def _emptied(field: str, key: str) -> None:
    """Forget the file of a field."""
    forget_upload(st.session_state[key])
    st.session_state[_TURNS][field] += 1


def _take(key: str) -> None:
    """Callback: switch to the uploaded network, with the class names that are waiting for it."""
    file = st.session_state[key]
    st.session_state.pop(_REFUSED, None)
    if file is None:
        return
    replaced = own_networks.own() is not None
    try:
        own_networks.take(file.getvalue(), file.name)
    except NetworkError as error:
        st.session_state[_REFUSED] = str(error)
        return
    finally:
        _emptied("weights", key)
    if replaced:
        stop_all(rooms.jobs())  # jobs on the previous network would keep it in memory
    _name(f"own-labels-{_turn('labels')}")
    if _REFUSED in st.session_state:  # the menu closes
        session.notify(st.session_state.pop(_REFUSED))
    fitting.switch(own_networks.OWN)


def _name(key: str) -> None:
    """Callback: give the visit's own network its class names; they wait if there is no network yet."""
    file = st.session_state.get(key)
    st.session_state.pop(_REFUSED, None)
    if file is None or own_networks.own() is None:
        return
    try:
        own_networks.name_classes(file.getvalue(), file.name)
    except NetworkError as error:
        st.session_state[_REFUSED] = str(error)
    finally:
        _emptied("labels", key)


@st.fragment(run_every=None)
def _download() -> None:
    progress = JOB.progress
    if progress.running:
        _watch()
        return
    if progress.state in ("failed", "stopped"):
        literal.warning(progress.message)
    st.caption(OFFER)
    if pressed("Download the full VGG16", icon=":material/download:", key="start-download"):
        JOB.start()
        answered("start-download")
        st.rerun(scope="fragment")


@st.fragment(run_every=0.7)
def _watch() -> None:
    progress = JOB.progress
    if progress.state == "done":
        session.notify("The full VGG16 has been downloaded. Choose it in the network menu to switch to it.")
    if not progress.running:
        st.rerun()
    st.progress(
        progress.share, f"{progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB" if progress.total else "Connecting"
    )
    st.button("Cancel", icon=":material/close:", key="cancel-download", on_click=JOB.stop)
