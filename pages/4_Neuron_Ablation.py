"""Neuron Ablation: find the neurons that carry the relevance, switch them off, see what the network says then."""

from vislrp_ui import rooms

rooms.draw("ablation")
