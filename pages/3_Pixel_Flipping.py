"""Pixel Flipping."""

from vislrp_ui import session

session.boot()
