"""Notes: one line of text, to show how a page is added."""

from vislrp_ui import rooms

rooms.draw("notes")
