"""Pixel Flipping: brush pixels away and see what the prediction loses; measure how fast it is lost."""

from vislrp_ui import rooms

rooms.draw("flipping")
