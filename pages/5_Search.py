"""Search: let a composite be found, and open any of those that were tried."""

from vislrp_ui import rooms

rooms.draw("search")
