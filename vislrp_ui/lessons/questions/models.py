"""The models that answer the questions, for any network."""

from __future__ import annotations

from vislrp_core.baselines import Baseline
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.rules import Rule
from vislrp_ui.lessons.questions.model import Panel, everywhere, layered
from vislrp_ui.state import Look

ZERO, PLUS = Rule.of("zero"), Rule.of("alpha1_beta0")
SMALL, LARGE = 0.5, 20.0
"""Two values of ε at the last layer, in units of the logit."""


def plus(network: Network, **conventions: str) -> LRPModel:
    """α1β0 on all layers."""
    return everywhere(network, "LRP-α1β0", PLUS, **conventions)


def plus_below(network: Network) -> LRPModel:
    """α1β0 on the convolutions, LRP-0 above."""
    rows = network.architecture
    return layered(network, "α1β0 below LRP-0", ((rows.last_feature, PLUS), (rows.last, ZERO)))


def composite(network: Network, name: str = "Composite", **conventions: str) -> LRPModel:
    """γ below, ε in the middle, LRP-0 on top."""
    rows = network.architecture
    low, middle = rows.blocks[1].last, rows.last_feature
    epsilon = Rule.of("epsilon", epsilon=0.3)
    return layered(
        network, name, ((low, Rule.of("gamma", gamma1p=0.3)), (middle, epsilon), (rows.last, ZERO)), **conventions
    )


def damped(network: Network, epsilon: float) -> LRPModel:
    """The composite's γ below, and ε at the last layer alone."""
    rows = network.architecture
    top = Rule.of("epsilon", epsilon=epsilon, epsilon_scale="absolute")
    gamma = Rule.of("gamma", gamma1p=0.3)
    return layered(
        network,
        f"ε = {epsilon:g} at the last layer",
        ((rows.last_feature, gamma), (rows.weighted[-1] - 1, ZERO), (rows.last, top)),
    )


def zero(network: Network, name: str = "LRP-0", **conventions: str) -> LRPModel:
    """LRP-0 on all layers."""
    return everywhere(network, name, ZERO, **conventions)


def as_gradient(network: Network) -> LRPModel:
    """LRP-0 with the conventions under which it is gradient times input."""
    return zero(
        network, "LRP-0, Zennit's way", pooling="winner-takes-all", bias="absorb", pixel_rule="segment", start="logit"
    )


# --- panels by question -------------------------------------------------------------------------------------------------


def signs(network: Network) -> tuple[Panel, ...]:
    """α1β0 from a positive and a negative logit, and below LRP-0."""
    return (
        Panel("α1β0 everywhere, first class", plus(network)),
        Panel("the same, class with the lowest logit", plus(network), -1),
        Panel("LRP-0 in the upper layers", plus_below(network)),
    )


def two_classes(network: Network) -> tuple[Panel, ...]:
    """The composite for two classes."""
    return (Panel("first class", composite(network)), Panel("second class", composite(network), 1))


def kept(network: Network) -> tuple[Panel, ...]:
    """α1β0 with a bias that is ignored, and one that absorbs."""
    return (
        Panel("α1β0, bias ignored", plus(network)),
        Panel("α1β0, bias absorbs", everywhere(network, "α1β0, bias absorbs", PLUS, bias="absorb")),
    )


def biases(network: Network) -> tuple[Panel, ...]:
    """What keeps relevance back at layers."""
    gamma = Rule.of("gamma", gamma1p=0.3)
    return (
        Panel("LRP-γ, bias ignored", everywhere(network, "γ, bias ignored", gamma)),
        Panel("LRP-γ, bias absorbs", everywhere(network, "γ, bias absorbs", gamma, bias="absorb")),
        Panel("LRP-ε, bias ignored", everywhere(network, "ε, bias ignored", Rule.of("epsilon", epsilon=0.3))),
    )


def epsilons(network: Network) -> tuple[Panel, ...]:
    """Growing ε at the last layer alone."""
    return tuple(Panel(f"ε = {value:g} at the last layer", damped(network, value)) for value in (0.0, SMALL, LARGE))


def starts(network: Network) -> tuple[Panel, ...]:
    """The four starts of relevance."""
    names = {"logit": "logit", "one": "1", "probability": "probability", "contrast": "contrast"}
    return tuple(Panel(f"start: {name}", composite(network, f"start: {name}", start=key)) for key, name in names.items())


def poolings(network: Network) -> tuple[Panel, ...]:
    """Both ways through max pooling."""
    return (
        Panel("proportional", composite(network, "proportional pooling")),
        Panel("winner takes all", composite(network, "winner takes all", pooling="winner-takes-all")),
    )


def gradients(network: Network) -> tuple[Panel, ...]:
    """Gradient × input, and LRP-0 with two sets of conventions."""
    return (
        Panel("gradient × input", Baseline("gradient_x_input")),
        Panel("LRP-0, winner takes all, bias absorbs", as_gradient(network)),
        Panel("LRP-0, proportional, bias ignored", zero(network, pixel_rule="segment")),
    )


def gammas(network: Network) -> tuple[Panel, ...]:
    """Growing γ, and its limit."""
    return (
        *(
            Panel(f"γ = {value:g}", everywhere(network, f"LRP-γ {value:g}", Rule.of("gamma", gamma1p=value)))
            for value in (0.1, 1.0, 100.0)
        ),
        Panel("α1β0", plus(network)),
    )


def classes(network: Network) -> tuple[Panel, ...]:
    """Two classes with a rule that hardly tells them apart, and with a composite."""
    return (
        Panel("α1β0, first class", plus(network)),
        Panel("α1β0, second class", plus(network), 1),
        Panel("composite, first class", composite(network)),
        Panel("composite, second class", composite(network), 1),
    )


def lowest(network: Network) -> tuple[Panel, ...]:
    """The class with the lowest logit, from its logit and from 1."""
    return (
        Panel("start: logit", composite(network, "start: logit"), -1),
        Panel("start: 1", composite(network, "start: 1", start="one"), -1),
    )


def scores(network: Network) -> tuple[Panel, ...]:
    """The map whose most positive pixels are flipped."""
    return (Panel("the map that is flipped by", composite(network)),)


def looks(network: Network) -> tuple[Panel, ...]:
    """One map in three looks."""
    model = composite(network)
    return (
        Panel("largest value", model, look=Look(range="max")),
        Panel("99th percentile", model, look=Look(range="p99")),
        Panel("another spectrum", model, look=Look(spectrum="orange-white-purple")),
    )


def scales(network: Network) -> tuple[Panel, ...]:
    """Growing ε on all layers, relative to each layer's sums."""
    return tuple(
        Panel(
            f"ε = {value:g} × rms(z)",
            everywhere(network, f"LRP-ε {value:g}", Rule.of("epsilon", epsilon=value, epsilon_scale="relative")),
        )
        for value in (0.01, 0.1, 0.5)
    )
