"""The heads that were trained for the network in model_store; their mean is what ships."""

from __future__ import annotations

from .train import Recipe

RECIPES = {
    "a": Recipe(width=1024, epochs=25, batch=128),
}
