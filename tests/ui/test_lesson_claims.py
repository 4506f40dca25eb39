"""What the guided cases say of the embedded network holds: read from the very numbers that stand in their texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vislrp_core.ablation import random_order
from vislrp_core.network import Network
from vislrp_core.networks import load_network
from vislrp_ui import service, session, state
from vislrp_ui.ablation.work import without
from vislrp_ui.compare.sets import SETS
from vislrp_ui.lessons import ablation, rules
from vislrp_ui.lessons.catalogue import LESSONS
from vislrp_ui.lessons.model import Scene
from vislrp_ui.neuron_sets import Cut
from vislrp_ui.state import ImageRef

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def embedded() -> Network:
    return load_network("embedded")


def told(network: Network, case: str, title: str) -> dict[str, str]:
    """The numbers and names of a step, as its text has them once the page is drawn."""
    step = next(one for one in LESSONS[case].steps if one.title == title)
    visit = step.show(state.start(session.examples()), network)
    scene = Scene(network, visit)
    if case == "flipping":
        service.maps(network, visit.image, visit.model, scene.target)
    found = {name: number(scene) for name, number in step.numbers.items()}
    assert None not in found.values(), found
    return {name: str(value) for name, value in found.items()}


def percent(text: str) -> float:
    return float(text.strip("<>\u202f%"))


def test_case_1_the_rules_are_as_measured(embedded: Network) -> None:
    """On maps of several seconds each, which the documentation has measured with these weights."""
    part = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8").split("measured rules: ")[1]
    assert f"weights {embedded.digest[:12]};" in part, "python -m tools.measure_class_sensitivity measures them anew"
    score = float(re.findall(r"score of ([\d.]+);", part)[0])
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")][1:]
    table = {name: [float(number) for number in numbers] for name, *numbers in lines}
    epsilon, gamma, plus, two, three, mixed = (
        table[name] for name in (rules.EPSILON, rules.GAMMA, rules.PLUS, rules.TWO, rules.THREE, rules.COMPOSITE_NAME)
    )
    total, negative, gini, rough, alike = range(5)
    assert epsilon[total] < 0.1 * score, "pale"
    assert all(one[total] == pytest.approx(score, abs=0.02) for one in (gamma, plus, two, three)), "conservation"
    assert epsilon[gini] > gamma[gini], "fewer pixels"
    assert plus[alike] > 0.99 and mixed[alike] < epsilon[alike] < 0.6
    assert plus[negative] < two[negative] < three[negative] and plus[alike] > two[alike] > three[alike]
    assert plus[rough] < two[rough] < three[rough], "noisier"
    assert mixed[rough] < epsilon[rough], "less noisy than ε"


def test_case_2_the_configurations_are_as_measured(embedded: Network) -> None:
    text = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    assert f"weights {embedded.digest[:12]};" in text, "python -m tools.measure_class_sensitivity measures them anew"
    line = next(one for one in text.splitlines() if one.startswith(f"| {SETS['configurations'].image} |"))
    one, two, three, four, five = (float(cell.replace("−", "-")) for cell in line.strip("| ").split("|")[3:])
    assert one > 0.9 > 0 > two, "much the same whatever the class for 1, told apart by 2"
    assert three > 0.5 > 0 > four, "the same rules in the opposite order"
    assert min(four, five) < two and abs(four - five) < 0.1
    odds = [float(found) for found in re.findall(r"([\d.]+) %", line)]
    assert max(odds) < 10, "the network itself is not sure"


def test_case_3_reddest_bluest_and_random_pixels_do_what_is_said(embedded: Network) -> None:
    blue = told(embedded, "flipping", "What speaks against")
    assert percent(blue["after"]) > percent(blue["before"]), "a rise"
    control = told(embedded, "flipping", "The control")
    assert percent(control["after"]) < min(percent(control["random"]), percent(control["before"]))


def test_case_4_few_channels_decide_as_many_at_random_do_not(embedded: Network) -> None:
    few = told(embedded, "ablation", "Few neurons")
    assert percent(few["before"]) > 80 and percent(few["after"]) < 10 and few["first"] != few["class"]
    control = told(embedded, "ablation", "As many at random")
    assert control["count"] == few["count"] and control["top"] == few["after"]
    assert abs(percent(control["after"]) - percent(control["before"])) < 5
    fewer = told(embedded, "ablation", "Even fewer")
    assert int(fewer["count"]) < int(few["count"]) and percent(few["after"]) < percent(fewer["after"])
    low = told(embedded, "ablation", "Another layer")
    assert low["count"] == few["count"] and low["layer"] == "relu2_2"
    assert percent(low["after"]) > percent(few["after"]) and percent(low["held"]) < percent(few["held"]) - 10, "spread"
    image = ImageRef("sample", ablation.SAMPLE)
    target = service.target_of(embedded, image, None)
    drawn = Cut(((ablation.LOW_LAYER, tuple(sorted(random_order(128, 0)[:6].tolist()))),))
    found = next(one for one in without(embedded, image, drawn) if one.index == target)
    assert percent(low["after"]) < 100 * found.probability < percent(low["before"]) - 2, "at random costs a little"
