"""What the network menu holds: the running network, the other ones, a download, and a network of one's own."""

from __future__ import annotations

import streamlit as st

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.downloads import download_allowed
from vislrp_core.network import NetworkError
from vislrp_ui import own_networks, service, session
from vislrp_ui.download_job import JOB
from vislrp_ui.own_networks import OWN
from vislrp_ui.shared import fitting, widgets
from vislrp_ui.shared.widgets import answered, mirror, pressed
from vislrp_ui.state import Visit

TITLES = {"embedded": "Embedded VGG16", "imagenet": "Full VGG16, ImageNet weights", OWN: "My network"}
_TURN = "own-turn"
OFFER = ("The full VGG16 with torchvision's ImageNet weights is a download of 528 MB. It runs in the background; the "
         "network shown stays until you switch.")


def menu(visit: Visit) -> None:
    """Which network runs, what it is, and the others that can."""
    box = widgets.menu(service.network_title(), key="menu-network", icon=":material/deployed_code:",
                       help="The network that is explained")
    if box.open:
        with box:
            panel(visit)


def panel(visit: Visit) -> None:
    """Body of the network menu."""
    try:
        running = service.network()
        st.markdown(f"**{running.title}** is running.  \n{running.description}")
    except NetworkError as error:
        st.error(str(error))
    choices = service.network_choices()
    current = service.network_key()
    if len(choices) > 1:
        key = mirror("network", current if current in choices else choices[0])
        st.radio("Network", choices, key=key, format_func=lambda name: TITLES.get(name, name),
                 on_change=_switch, args=(key,))
    if "imagenet" not in choices:
        if download_allowed():
            _download()
        else:
            st.caption("The full VGG16 is not on this server, and downloads are switched off here.")
    _own_network()


def _switch(key: str) -> None:
    fitting.switch(st.session_state[key])


def _own_network() -> None:
    st.markdown("**Use my network**")
    if not own_networks.allowed():
        st.caption("This server does not accept networks from its visitors.")
        return
    known = ", ".join(architecture.title for architecture in ARCHITECTURES.values())
    limit = own_networks.file_mb()
    st.caption(f"A state dict of {known}, with or without batch normalization, with torchvision's names. The server "
               "holds it in memory for this visit alone and forgets it afterwards. A file may have up to "
               f"{limit} MB; {own_networks.limit_mb()} MB are there for the networks of all visitors.")
    turn = st.session_state.setdefault(_TURN, 0)
    weights = st.file_uploader("Weights", type=list(own_networks.WEIGHT_TYPES), key=f"own-weights-{turn}",
                               max_upload_size=limit)
    st.file_uploader("Class names (optional)", type=list(own_networks.LABEL_TYPES), key=f"own-labels-{turn}",
                     max_upload_size=1, help="A JSON list, or a text file with one name a line, in the order of the classes")
    st.button("Run my network", icon=":material/play_arrow:", key="own-run", disabled=weights is None, on_click=_take,
              args=(turn,))


def _take(turn: int) -> None:
    weights, labels = st.session_state.get(f"own-weights-{turn}"), st.session_state.get(f"own-labels-{turn}")
    if weights is None:
        return
    named = None if labels is None else (labels.getvalue(), labels.name)
    try:
        own_networks.take(weights.getvalue(), weights.name, named)
    except NetworkError as error:
        session.notify(str(error))
        return
    st.session_state[_TURN] = turn + 1  # fresh fields, so that the files themselves are forgotten
    fitting.switch(own_networks.OWN)


@st.fragment(run_every=None)
def _download() -> None:
    progress = JOB.progress
    if progress.running:
        _watch()
        return
    if progress.state in ("failed", "stopped"):
        st.warning(progress.message)
    st.caption(OFFER)
    if pressed("Download the full VGG16", icon=":material/download:", key="start-download"):
        JOB.start()
        answered("start-download")
        st.rerun(scope="fragment")


@st.fragment(run_every=0.7)
def _watch() -> None:
    progress = JOB.progress
    if progress.state == "done":
        session.notify("The full VGG16 has been downloaded: choose it in the network menu to switch.")
    if not progress.running:
        st.rerun()
    st.progress(progress.share, f"{progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB" if progress.total
                else "Connecting")
    st.button("Cancel", icon=":material/close:", key="cancel-download", on_click=JOB.stop)
