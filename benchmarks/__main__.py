"""Times of this engine and of other LRP implementations, as ratios to a plain gradient of the same run.

    python -m benchmarks [--network random|embedded|PATH] [--rounds 7] [--clock wall|cpu]
                         [--no-rivals] [--only TEXT] [--write docs/performance.md]

Everything runs in one process on the same network, image, composite and class, interleaved; medians are compared, and
only after the results agree. ``--clock cpu`` counts this process's own processor time on one thread: the ratios of a busy
machine are then worth reading.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import keras_scheme, machine, schemes
from vislrp_core import edits
from vislrp_core.batches import explain_each
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate, propagate_many
from vislrp_core.rules import Rule
from vislrp_core.store import RelevanceStore

BELOW = "slider below layer"
MIXED = "γ/ε/0"
TEN = "ten classes at once, per class"
MIXED_NEW = f"from scratch {MIXED}"
TEN_NEW = f"from scratch {MIXED}, {TEN}"
AT_ONCE = {f"γ/ε/0, {count} pictures at once, per picture": count for count in (8, 32)}
"""Numbers of pictures, forward passes included (in batches of `batches.SIZE`); each may take 0.95 of a single call."""
BORDERS = tuple(layer.index for layer in schemes.VGG16.rows[2 : schemes.VGG16.last] if layer.kind in ("relu", "pool"))
"""Where a segment may end: after each block of layers that belong together."""
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
WIDTHS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512, 4096, 4096, 1000)
BARS = {
    "from scratch γ/ε/0": 1.45,
    "from scratch LRP-0": 1.05,
    "from scratch ε": 1.05,
    "from scratch α2β1": 2.3,
    "another class, γ/ε/0": 0.75,
    "slider of a one-term rule (γ everywhere)": 0.65,
    "slider of a two-term rule (α2β1 everywhere)": 1.2,
    TEN: 0.6,
    TEN_NEW: 0.6,
    "a view already seen": 0.01,
}


def random_vgg16(divisor: int = 1) -> Network:
    """VGG16 of full width, or of a part of it, with random weights."""
    generator = torch.Generator().manual_seed(0)
    state, inputs = {}, 3
    for layer, width in zip([layer for layer in schemes.VGG16.rows if layer.is_weighted], WIDTHS, strict=True):
        inputs = inputs * schemes.VGG16.positions if layer.name == "fc6" else inputs
        outputs = max(width // divisor, 1)
        shape = (outputs, inputs, 3, 3) if layer.kind == "conv" else (outputs, inputs)
        fan = inputs * (9 if layer.kind == "conv" else 1)
        state[f"{layer.module}.weight"] = torch.empty(shape).normal_(0, (2 / fan) ** 0.5, generator=generator)
        state[f"{layer.module}.bias"] = torch.zeros(outputs)
        inputs = outputs
    return Network.from_state_dict(state, name="random", any_width=divisor > 1)


def image() -> torch.Tensor:
    """A smooth random image with noise, (1, 3, 224, 224)."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.randn((1, 3, 14, 14), generator=generator)
    noise = torch.randn((1, 3, 224, 224), generator=generator)
    return (torch.nn.functional.interpolate(coarse, size=224, mode="bilinear") + 0.2 * noise).clamp(-2.1, 2.2)


def disagreement(one: torch.Tensor, other: torch.Tensor) -> float:
    """1 - cosine."""
    return 1 - float(torch.nn.functional.cosine_similarity(one.double().flatten(), other.double().flatten(), dim=0))


def agreement(ours: torch.Tensor, theirs: torch.Tensor, what: str) -> str:
    """One sentence on how far two maps agree (AssertionError if they do not)."""
    off = disagreement(ours, theirs)
    assert off < 1e-4, f"{what}: this engine disagrees, 1 - cosine = {off:.1e}"
    return f"{what}: 1 - cosine {off:.0e}"


def checked(network: Network, x: torch.Tensor, names: list[str], keras: keras_scheme.INNvestigate | None) -> list[str]:
    """Compare results before times; returns one sentence per comparison (AssertionError if one does not agree)."""
    sentences = []
    trace = forward(network, x)
    target, classes = int(trace.logits.argmax()), range(10)
    rivals = {"Zennit": schemes.Zennit(network), "the tutorial's scheme": schemes.Tutorial(network)}
    for name in names:
        model = schemes.COMPOSITES[name]
        ours = propagate(network, trace, model, target).at(0)
        many = propagate_many(network, trace, model, classes) if name == MIXED else []
        for rival, run in rivals.items():
            if rival == "the tutorial's scheme" and name == "α2β1":
                continue
            sentences.append(agreement(ours, run(x, model, target), f"{name} with {rival}"))
            if many:
                for mine, other in zip(many, run.many(x, model, classes), strict=True):
                    agreement(mine.at(0), other, f"{name}, class {mine.target}, with {rival}")
        if schemes.AutoLRP.knows(model):
            without = edits.set_field(model, "pixel_rule", "segment")
            alike = propagate(network, trace, without, target).at(0)
            theirs = schemes.AutoLRP(network)(x, without, target)
            sentences.append(agreement(alike, theirs, f"{name} without zβ with autoLRP"))
        if keras is not None and keras.knows(model):
            sentences.append(agreement(ours, keras(x, model, target), f"{name} with iNNvestigate"))
    return sentences


def cases(
    network: Network, x: torch.Tensor, rivals: bool, keras: keras_scheme.INNvestigate | None = None
) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    found: dict[str, Callable[[], object]] = {}
    target = int(forward(network, x).logits.argmax())
    gradient = schemes.Gradient(network)
    found["gradient"] = lambda: gradient(x, schemes.COMPOSITES["LRP-0"], target)
    found["forward pass"] = lambda: forward(network, x)
    for name, model in schemes.COMPOSITES.items():
        found[f"from scratch {name}"] = lambda model=model: propagate(network, forward(network, x), model, target)
    trace = forward(network, x)
    store = RelevanceStore(100_000_000)
    mixed, gamma, two = (schemes.COMPOSITES[name] for name in (MIXED, "γ", "α2β1"))
    for model in (mixed, gamma, two):
        propagate(network, trace, model, target)
    propagate(network, trace, mixed, target, store=store)
    found["another class, γ/ε/0"] = lambda: propagate(network, trace, mixed, target + 1)
    other_gamma = schemes.composite((schemes.VGG16.last, Rule.of("gamma", gamma1p=0.4)))
    found["slider of a one-term rule (γ everywhere)"] = lambda: propagate(network, trace, other_gamma, target)
    other_two = schemes.composite((schemes.VGG16.last, Rule.of("alpha_beta", alpha=1.7, beta=0.7)))
    found["slider of a two-term rule (α2β1 everywhere)"] = lambda: propagate(network, trace, other_two, target)
    found[TEN] = lambda: propagate_many(network, trace, mixed, range(10))
    found[TEN_NEW] = lambda: propagate_many(network, forward(network, x), mixed, range(10))
    found["a view already seen"] = lambda: propagate(network, trace, mixed, target, store=store)
    for border in BORDERS:
        found[f"{BELOW} {border}"] = _lower_edit(network, trace, target, border)
    zennit = schemes.Zennit(network)
    for name, count in AT_ONCE.items():
        several = torch.cat([x.roll(place, dims=3) for place in range(count)])
        found[f"from scratch {name}"] = lambda several=several: _at_once(network, several, mixed)
        if rivals:
            found[f"Zennit {name}"] = lambda several=several: zennit.pictures(several, mixed, [target] * len(several))
    if rivals:
        found[f"gradient, {TEN}"] = lambda: gradient.many(x, mixed, range(10))
        others = {
            "Zennit": schemes.Zennit(network),
            "Captum": schemes.Captum(network),
            "autoLRP": schemes.AutoLRP(network),
            "tutorial's scheme": schemes.Tutorial(network),
        }
        for rival, run in others.items():
            for name, model in schemes.COMPOSITES.items():
                if rival == "autoLRP" and not schemes.AutoLRP.knows(model):
                    continue
                if name == "α2β1" and rival in ("Captum", "tutorial's scheme"):
                    continue
                found[f"{rival} {name}"] = lambda run=run, model=model: run(x, model, target)
            if not isinstance(run, schemes.AutoLRP):
                found[f"{rival} {MIXED}, {TEN}"] = lambda run=run: run.many(x, mixed, range(10))
        for name, model in schemes.COMPOSITES.items():
            if keras is not None and keras.knows(model):
                found[f"iNNvestigate {name}"] = lambda model=model: keras(x, model, target)
    return found


def _at_once(network: Network, pictures: torch.Tensor, model: LRPModel) -> object:
    """Maps of the pixels of several pictures, from scratch, in batches of the size that the library takes by itself."""
    return [seen.relevances[0] for seen in explain_each(network, list(pictures.split(1)), [model])]


def per(name: str) -> int:
    """By how much the time of a case is divided."""
    return 10 if name.endswith(TEN) else next((count for at_once, count in AT_ONCE.items() if name.endswith(at_once)), 1)


def _lower_edit(network: Network, trace, target: int, border: int) -> Callable[[], object]:
    """A slider below a border: relevance above it is kept."""

    def model(gamma: float) -> LRPModel:
        return schemes.composite((border, Rule.of("gamma", gamma1p=gamma)), (schemes.VGG16.last, Rule.of("epsilon")))

    store = RelevanceStore(60_000_000)
    propagate(network, trace, model(0.5), target, store=store)
    state = {"step": 0}

    def run() -> None:
        state["step"] += 1
        propagate(network, trace, model(0.5 + state["step"] / 1000), target, store=store)

    return run


def measure(runs: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Median seconds of each, interleaved in a new order each round; the first round warms up.

    What follows upon a run with large tensors finds another heap than what follows upon a small one: no case may always have
    the same neighbour. The gradient, by which every time is divided, runs three times a round.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    order = [*runs, "gradient", "gradient"]
    shuffle = random.Random(0).shuffle
    for number in range(rounds + 1):
        for name in order:
            begin = clock()
            runs[name]()
            if number:
                times[name].append(clock() - begin)
        shuffle(order)
    return {name: statistics.median(values) for name, values in times.items()}


def table(seconds: dict[str, float]) -> str:
    """Markdown: ratio to the gradient, with its bar."""
    lines = ["| what | ratio to the gradient | bar | |", "|---|---:|---:|---|"]
    for name, value in seconds.items():
        ratio = value / seconds["gradient"] / per(name)
        bar = BARS.get(name)
        if name.startswith("from scratch") and name.removeprefix("from scratch ") in AT_ONCE and MIXED_NEW in seconds:
            bar = 0.95 * seconds[MIXED_NEW] / seconds["gradient"]
        verdict = "" if bar is None else "met" if ratio <= bar else "missed"
        lines.append(f"| {name} | {ratio:.2f} | {'' if bar is None else f'{bar:.2f}'} | {verdict} |")
    return "\n".join(lines)


def curve(seconds: dict[str, float], path: Path) -> None:
    """Picture of what an edit costs over the position of the segment's upper border."""
    import altair as alt

    points = [{"border": border, "ratio": seconds[f"{BELOW} {border}"] / seconds["gradient"]} for border in BORDERS]
    scale = alt.Scale(domain=(0, schemes.VGG16.last))
    x = alt.X("border:Q", title="upper border of the edited segment (layer)", scale=scale)
    y = alt.Y("ratio:Q", title="time, in plain gradients", scale=alt.Scale(domainMin=0))
    chart = alt.Chart(alt.Data(values=points), width=480, height=200).mark_line(point=True).encode(x=x, y=y)
    chart.configure(background="white").save(str(path))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n\n")[0])
    parser.add_argument("--network", default="random", help="random, embedded, imagenet, or a path")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--no-rivals", action="store_true", help="time this engine alone")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="TEXT",
        help="time what holds this text alone (may be given several times)",
    )
    parser.add_argument("--write", type=Path, help="Markdown file whose table is replaced")
    parser.add_argument("--curve", type=Path, help="picture (.svg) of the cost of an edit over the border's position")
    options = parser.parse_args()
    if options.clock == "cpu":
        torch.set_num_threads(1)
    network = random_vgg16() if options.network == "random" else load_network(options.network)
    x = image()
    keras = keras_scheme.INNvestigate(network) if keras_scheme.installed() and not options.no_rivals else None
    agreed = (
        []
        if options.no_rivals
        else checked(
            network,
            x,
            [name for name in schemes.COMPOSITES if not options.only or any(name in text for text in options.only)],
            keras,
        )
    )
    runs = cases(network, x, not options.no_rivals, keras)
    if options.only:
        runs = {name: run for name, run in runs.items() if name == "gradient" or any(text in name for text in options.only)}
    seconds = measure(runs, options.rounds, time.perf_counter if options.clock == "wall" else time.process_time)
    text = (
        f"Network: {options.network}; {'wall clock' if options.clock == 'wall' else 'processor time'}, median of "
        f"{options.rounds} interleaved rounds; plain gradient {seconds['gradient']:.2f} s. {machine.describe()}.\n\n"
        f"{table(seconds)}\n"
    )
    if agreed:
        text += "\nAgreement, checked first: " + "; ".join(agreed) + ".\n"
    print(text)
    if options.write:
        content = options.write.read_text(encoding="utf-8")
        head, rest = content.split(BEGIN, 1)
        tail = rest.split(END, 1)[1]
        options.write.write_text(f"{head}{BEGIN}\n{text}{END}{tail}", encoding="utf-8")
    if options.curve:
        curve(seconds, options.curve)


if __name__ == "__main__":
    main()
