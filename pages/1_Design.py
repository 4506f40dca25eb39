"""Design: segments, rules, and the heatmaps that follow."""

from vislrp_ui import rooms

rooms.draw("design")
