"""Neuron Ablation."""

from vislrp_ui import session

session.boot()
