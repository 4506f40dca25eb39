"""What the network menu holds: the running network, the other ones, and the download of the full VGG16."""

from __future__ import annotations

import streamlit as st

from vislrp_core.network import NetworkError
from vislrp_ui import service, state
from vislrp_ui.state import Visit
from vislrp_ui.widgets import mirror, on_change

TITLES = {"embedded": "Embedded VGG16", "imagenet": "VGG16, ImageNet weights"}


def panel(visit: Visit) -> None:
    """Body of the network menu."""
    try:
        running = service.network()
        st.markdown(f"**{running.title}** is running.  \n{running.description}")
    except NetworkError as error:
        st.error(str(error))
    choices = service.network_choices()
    if len(choices) > 1:
        current = service.network_key()
        key = mirror("network", current if current in choices else choices[0])
        st.radio("Network", choices, key=key, format_func=lambda name: TITLES.get(name, name),
                 on_change=on_change(key, state.choose_network))
