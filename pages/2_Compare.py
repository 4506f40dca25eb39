"""Compare: models, classes and images side by side, with measured differences."""

from vislrp_ui.compare.page import compare

compare()
