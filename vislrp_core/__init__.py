"""Layer-wise Relevance Propagation for chain networks: the library under VisLRP Designer, without a web page."""

from vislrp_core.api import Explanation, explain
from vislrp_core.architecture import ARCHITECTURES, Architecture, Layer
from vislrp_core.errors import VisLRPError
from vislrp_core.images import ImageError, read_image
from vislrp_core.model import LRPModel, ModelError, Segment
from vislrp_core.network import Network, NetworkError, Prediction, Trace, forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import NonFiniteRelevance, Relevance, propagate, propagate_from, propagate_many
from vislrp_core.rules import PARAMETERS, PRESETS, Rule
from vislrp_core.store import RelevanceStore

__version__ = "0.9.0"

__all__ = [
    "ARCHITECTURES",
    "PARAMETERS",
    "PRESETS",
    "Architecture",
    "Explanation",
    "ImageError",
    "LRPModel",
    "Layer",
    "ModelError",
    "Network",
    "NetworkError",
    "NonFiniteRelevance",
    "Prediction",
    "Relevance",
    "RelevanceStore",
    "Rule",
    "Segment",
    "Trace",
    "VisLRPError",
    "explain",
    "forward",
    "load_network",
    "propagate",
    "propagate_from",
    "propagate_many",
    "read_image",
]
