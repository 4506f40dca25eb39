"""What the network menu holds: the running network, the other ones, and the download of the full VGG16."""

from __future__ import annotations

import streamlit as st

from vislrp_core.downloads import download_allowed
from vislrp_core.network import NetworkError
from vislrp_ui import service, session, state
from vislrp_ui.download_job import JOB
from vislrp_ui.state import Visit
from vislrp_ui.widgets import mirror, on_change

TITLES = {"embedded": "Embedded VGG16", "imagenet": "Full VGG16, ImageNet weights"}
OFFER = ("The full VGG16 with torchvision's ImageNet weights is a download of 528 MB. It runs in the background; the "
         "network shown stays until you switch.")


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
                 on_change=on_change(key, state.choose_network))
    if "imagenet" not in choices:
        if download_allowed():
            _download()
        else:
            st.caption("The full VGG16 is not on this server, and downloads are switched off here.")


@st.fragment(run_every=None)
def _download() -> None:
    progress = JOB.progress
    if progress.running:
        _watch()
        return
    if progress.state in ("failed", "stopped"):
        st.warning(progress.message)
    st.caption(OFFER)
    if st.button("Download the full VGG16", icon=":material/download:", key="start-download"):
        JOB.start()
        st.rerun(scope="fragment")


@st.fragment(run_every=0.7)
def _watch() -> None:
    progress = JOB.progress
    if progress.state == "done":
        session.notify("The full VGG16 has arrived: choose it in the network menu to switch.")
    if not progress.running:
        st.rerun()
    st.progress(progress.share, f"{progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB" if progress.total
                else "Connecting")
    st.button("Cancel", icon=":material/close:", key="cancel-download", on_click=JOB.stop)
