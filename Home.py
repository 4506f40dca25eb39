"""Entry of the app: page settings, navigation, and the welcome page."""

import streamlit as st

from vislrp_core.resources import assets
from vislrp_ui import beforehand, inbox, own_networks, service, session, theme
from vislrp_ui.home.page import home

TITLE = "VisLRP Designer"

inbox.install()
own_networks.open_door()
# Before the navigation, whose icon would be fetched from elsewhere; the title follows when the page is known.
st.set_page_config(page_title=TITLE, page_icon=str(assets() / "icon.png"), layout="wide")
st.logo(str(assets() / ("logo_dark.svg" if theme.is_dark() else "logo.svg")), size="medium")

pages = [
    st.Page(home, title="Home", icon=":material/home:", default=True),
    st.Page("pages/1_Design.py", title="Design", icon=":material/tune:"),
    st.Page("pages/2_Compare.py", title="Compare", icon=":material/grid_view:"),
    st.Page("pages/3_Pixel_Flipping.py", title="Pixel Flipping", icon=":material/ink_eraser:"),
    st.Page("pages/4_Neuron_Ablation.py", title="Neuron Ablation", icon=":material/hub:"),
]
page = st.navigation(pages, position="top")
st.set_page_config(page_title=TITLE if page == pages[0] else f"{page.title} · {TITLE}")
session.mark_routed()
with inbox.stamped("page"):
    page.run()
beforehand.begin(service.default_network())
