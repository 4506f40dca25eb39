"""Design: segments, rules, and the heatmaps that follow."""

from vislrp_ui.design.page import design

design()
