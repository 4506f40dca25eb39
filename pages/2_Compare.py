"""Compare: models, classes and images side by side, with measured differences."""

from vislrp_ui import rooms

rooms.draw("compare")
