"""By hand: a network of three, three and two neurons, every number of its relevance on the table."""

from vislrp_ui import rooms

rooms.draw("hand")
