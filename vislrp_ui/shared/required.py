"""What a page needs before it can draw: a network and a picture; where one is missing, what to do about it."""

from __future__ import annotations

import streamlit as st

from vislrp_core.images import ImageError
from vislrp_core.network import Network, NetworkError
from vislrp_ui import running, service
from vislrp_ui.shared import literal, network_panel, widgets
from vislrp_ui.state import Visit


def require_network(visit: Visit) -> Network:
    """The network that the page passes on to all that computes; without one, say what to do and stop the page."""
    try:
        return running.network()
    except NetworkError as error:
        literal.error(str(error), icon=":material/deployed_code:")
        network_panel.menu(visit)
        st.stop()


def require_image(visit: Visit) -> Network:
    """The network, see `require_network`; go on only with a picture, otherwise say what to do and stop the page."""
    network = require_network(visit)
    try:
        service.view(visit.image)
    except service.AwaitedImage as error:
        st.caption(literal.escaped(str(error)))
        st.stop()
    except (service.MissingImage, ImageError) as error:
        literal.warning(str(error), icon=":material/image:")
        widgets.uploader("upload-again")
        if widgets.pressed("Choose a sample image", icon=":material/photo_library:", key="open-gallery-again"):
            widgets.gallery()
            widgets.answered("open-gallery-again")
        st.stop()
    return network
