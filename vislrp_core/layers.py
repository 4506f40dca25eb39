"""The 39 rows of the ruler: the input image and VGG16's 38 layers, numbered as in Figure 2.1 of the guide."""

from __future__ import annotations

from vislrp_core.architecture import ARCHITECTURES, DEFAULT

LAYERS = ARCHITECTURES[DEFAULT].rows
LAST = ARCHITECTURES[DEFAULT].last
WEIGHTED = ARCHITECTURES[DEFAULT].weighted
LAST_FEATURE = ARCHITECTURES[DEFAULT].last_feature


def layer_name(index: int) -> str:
    """Name of a row, such as ``conv3_1``."""
    return ARCHITECTURES[DEFAULT].name(index)


def resolve_layer(text: str) -> int:
    """Number of a layer given by number or by name (Raises InputError)."""
    return ARCHITECTURES[DEFAULT].resolve(text)
