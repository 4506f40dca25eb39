"""iNNvestigate's LRP of the same VGG16 in Keras: compared where TensorFlow is installed (requirements-innvestigate.txt)."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from torch import Tensor

from vislrp_core.model import LRPModel
from vislrp_core.network import Network

RULES = {"zero": "Z", "z_plus": "Alpha1Beta0", "alpha_beta": "Alpha2Beta1"}
"""Its names of the rules that are the same; its epsilon is absolute and it has no gamma rule."""


def installed() -> bool:
    """Whether iNNvestigate can be imported."""
    return importlib.util.find_spec("innvestigate") is not None


class INNvestigate:
    """Analyzers are built once per rule and kept: what is timed is the analysis alone."""

    def __init__(self, network: Network) -> None:
        import tensorflow as tf

        tf.compat.v1.disable_eager_execution()
        self.network = network
        self.analyzers: dict[str, Any] = {}
        layers = tf.keras.layers
        rows = network.architecture
        given = current = layers.Input((224, 224, 3))
        weighted = []
        for layer in rows.rows[1:]:
            if layer.index == rows.last_feature + 1:
                current = layers.Flatten()(current)
            if layer.kind == "conv":
                weighted.append((layer.index, layers.Conv2D(len(network.weights[layer.index]), 3, padding="same")))
                current = weighted[-1][1](current)
            elif layer.kind == "linear":
                weighted.append((layer.index, layers.Dense(len(network.weights[layer.index]))))
                current = weighted[-1][1](current)
            elif layer.kind == "relu":
                current = layers.ReLU()(current)
            elif layer.kind == "pool":
                current = layers.MaxPooling2D()(current)
        self.model = tf.keras.Model(given, current)
        for index, module in weighted:
            weight = network.weights[index]
            if index == rows.last_feature + 1:  # channels come last in Keras's flattened maps
                weight = weight.reshape(len(weight), -1, 7, 7).permute(0, 2, 3, 1).reshape(len(weight), -1)
            turned = weight.permute(2, 3, 1, 0) if weight.ndim == 4 else weight.T
            module.set_weights([turned.numpy(), network.biases[index].numpy()])

    @staticmethod
    def knows(model: LRPModel) -> bool:
        """Whether it can do a composite: one of its rules everywhere."""
        return len(model.segments) == 1 and model.segments[0].rule.preset in RULES

    def __call__(self, x: Tensor, model: LRPModel, target: int) -> Tensor:
        """Relevance of the pixels."""
        from innvestigate.analyzer import LRP

        name = RULES[model.segments[0].rule.preset]
        if name not in self.analyzers:
            bounds = tuple(bound.permute(0, 2, 3, 1).numpy() for bound in self.network.pixel_bounds())
            self.analyzers[name] = LRP(self.model, rule=name, input_layer_rule=bounds, neuron_selection_mode="index")
        found = self.analyzers[name].analyze(x.permute(0, 2, 3, 1).numpy(), target)
        return torch.from_numpy(found).permute(0, 3, 1, 2)[0]
