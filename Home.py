"""Entry of the app: page settings, navigation, and the welcome page."""

import streamlit as st

import vislrp_ui  # noqa: F401  first, see there
from vislrp_core.resources import assets
from vislrp_ui import beforehand, inbox, own_networks, places, rooms, running, theme
from vislrp_ui.shared import going
from vislrp_ui.shared.entrance import mark_routed

TITLE = "VisLRP Designer"


def home() -> None:
    """Draw the welcome page."""
    rooms.draw("home")


inbox.install()
own_networks.open_door()
# Before the navigation, whose icon would be fetched from elsewhere; the title follows when the page is known.
st.set_page_config(page_title=TITLE, page_icon=str(assets() / "icon.png"), layout="wide")
st.logo(str(assets() / ("logo_dark.svg" if theme.is_dark() else "logo.svg")), size="medium")

pages = [st.Page(room.file or home, title=room.title, icon=room.icon, default=not room.file) for room in rooms.ROOMS]
page = st.navigation(pages, position="top")
st.set_page_config(page_title=TITLE if page == pages[0] else f"{page.title} · {TITLE}")
mark_routed()
going.mark_home(pages[0])
with places.answering(), inbox.stamped("page"):
    page.run()
beforehand.begin(running.default_network())
