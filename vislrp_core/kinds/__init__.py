"""Kinds of rules, one module each: what a module of this folder declares is found and offered everywhere.

A kind holds its presets, its step from R[layer] to R[layer - 1], its formula, its text in other libraries, and what the
engine may assume of it (see `base.RuleKind`).
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from vislrp_core.kinds.base import Preset, RuleKind

KINDS: tuple[RuleKind, ...] = tuple(
    found
    for module in iter_modules(__path__)
    for found in vars(import_module(f"{__name__}.{module.name}")).values()
    if isinstance(found, RuleKind)
)
PRESETS: dict[str, Preset] = dict(
    sorted(((key, preset) for kind in KINDS for key, preset in kind.presets.items()), key=lambda item: item[1].place)
)
"""Presets of all kinds by key, in the order of their buttons."""
KIND_OF: dict[str, RuleKind] = {key: kind for kind in KINDS for key in kind.presets}
"""The kind of each preset."""
