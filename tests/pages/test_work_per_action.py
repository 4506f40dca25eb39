"""What every action of the pages costs in forward passes and propagations: nothing that is known is computed again.

Each page is walked through in one visit, so that a later action can return to what an earlier one showed. The numbers are
what it needs: a look costs nothing, a class or a model one propagation, a picture one forward pass and one propagation.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.actions import (
    LOOKS,
    bar,
    buttons,
    card,
    choose,
    click,
    cost,
    edit,
    goto,
    measure,
    models,
    number,
    other_class,
    pick,
    picture,
    ranked,
    rerun,
    segment,
    toggle,
    typed,
    upload,
    value,
    walk,
)
from tests.pages.conftest import net, open_menus, visit_of
from tests.pages.test_flipping import square, stroke
from vislrp_ui import service, state
from vislrp_ui.ablation import curves_job, work
from vislrp_ui.caches import ByteCache
from vislrp_ui.compare import work as compare_work
from vislrp_ui.flipping import work as flipping_work
from vislrp_ui.shared import flipping_job
from vislrp_ui.state_compare import GridCell

Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """The pages' own caches are as empty as those of the service."""
    for module in (work, curves_job, compare_work, flipping_work, flipping_job):
        for cache in vars(module).values():
            if isinstance(cache, ByteCache):
                cache.clear()


def test_home(open_page: Open) -> None:
    opened: list[AppTest] = []
    assert cost(lambda: opened.append(open_page())) == (1, 1)
    walk(
        opened[0],
        [
            ("the page again (look)", rerun, 0, 0),
            ("another class", bar("home-classes", 2), 0, 1),
            ("the class seen before", bar("home-classes", 0), 0, 0),
            ("another model", card("home-models", "overview_composite"), 0, 1),
            ("the model seen before", card("home-models", "configuration_2"), 0, 0),
            ("Start designing: the view goes on (look)", click("start-designing"), 0, 0),
        ],
    )


def test_design(open_page: Open) -> None:
    app = open_page()
    walk(
        app,
        [
            ("opening: the working model's maps (look)", goto("1_Design"), 0, 1),
            ("menus opened (look)", open_menus, 0, 0),
            ("the page again (look)", rerun, 0, 0),
            *LOOKS,
            ("dark paper", buttons("look-paper", "dark"), 0, 0),
            ("class bar", bar("design-classes", 2), 0, 1),
            ("class seen before", bar("design-classes", 0), 0, 0),
            ("class searched", lambda a: choose("target", ranked(9)(a))(a), 0, 1),
            ("class searched, seen before", lambda a: choose("target", ranked(0)(a))(a), 0, 0),
            ("segment added", edit("ruler", kind="add"), 0, 1),
            ("border moved", edit("ruler", kind="move", border=0, last=10), 0, 1),
            ("move undone", click("undo"), 0, 0),
            ("move done again", click("redo"), 0, 0),
            ("border typed", number("twin-first", 18), 0, 1),
            ("segment selected", edit("ruler", kind="segment", segment=0), 0, 0),
            ("preset", edit("rule-panel", kind="preset", segment=0, preset="gamma"), 0, 1),
            ("slider", edit("rule-panel", kind="parameter", segment=0, key="gamma1p", value=0.3), 0, 1),
            ("parameter typed", number("twin-epsilon", 0.2), 0, 1),
            ("undo", click("undo"), 0, 0),
            ("redo", click("redo"), 0, 0),
            ("scale of epsilon", edit("rule-panel", kind="scale", segment=0, value="relative"), 0, 1),
            ("segment split", edit("ruler", kind="split", segment=0, row=5), 0, 1),
            ("split undone", click("undo"), 0, 0),
            ("segment removed", edit("ruler", kind="remove", segment=1), 0, 1),
            ("removal undone", click("undo"), 0, 0),
            ("pooling", choose("convention-pooling", "winner-takes-all"), 0, 1),
            ("pooling as before", choose("convention-pooling", "proportional"), 0, 0),
            ("layer without a map so far", edit("ruler", kind="layer", layer=5), 0, 1),
            ("another layer", edit("ruler", kind="layer", layer=8), 0, 1),
            ("layer seen before", edit("ruler", kind="layer", layer=5), 0, 0),
            ("other layer seen before", choose("twin-layer", 8), 0, 0),
            ("class and layer at once", bar("design-classes", 3), 0, 1),
            ("back to the pixels", click("back-to-pixels"), 0, 0),
            ("sums as a chart (look)", click("open-sums"), 0, 0),
            ("renamed", lambda a: a.text_input(key="model-name").set_value("Mine").run(), 0, 0),
            ("duplicated", click("duplicate-model"), 0, 0),
            ("deleted", click("delete-model"), 0, 0),
            ("model card", card("model-cards", "configuration_4"), 0, 1),
            (
                "layer that a segment hands on",
                lambda a: choose("twin-layer", visit_of(a).model.segments[1].first - 1)(a),
                0,
                0,
            ),
            ("pixels", choose("twin-layer", 0), 0, 0),
            ("model chosen, seen before at another class", choose("active-model", "configuration_2"), 0, 1),
            ("first class of that model, as on Home", bar("design-classes", 0), 0, 0),
            ("picture of the gallery", picture("kitten"), 1, 1),
            ("picture seen before", picture("castle_on_lake"), 0, 0),
            ("upload", upload, 1, 1),
            ("whole picture", buttons("fit", "squash"), 1, 1),
            ("cut as before", buttons("fit", "crop"), 0, 0),
            ("view of Home, one page on (look)", goto("3_Pixel_Flipping"), 0, 0),
            ("and back (look)", goto("1_Design"), 0, 0),
        ],
    )


def test_compare(open_page: Open) -> None:
    app = open_page(measure="56~mean~3~0~probability~")
    curves = 2 * 2 * 2 * 2  # pictures between none and all flipped, orders, models, rows
    three = ("configuration_1", "configuration_2", "configuration_4")
    walk(
        app,
        [
            ("opening: two classes of five models; one map was on Home (look)", goto("2_Compare"), 0, 9),
            ("menus opened (look)", open_menus, 0, 0),
            ("the page again (look)", rerun, 0, 0),
            *LOOKS,
            ("one range for a row", segment("compare-share", "row"), 0, 0),
            ("one range for all", segment("compare-share", "all"), 0, 0),
            ("formulas", toggle("compare-formulas", True), 0, 0),
            ("intermediate maps of a row", edit("compare-row-1", kind="fold", row=1), 0, 0),
            ("difference", click("compare-difference"), 0, 0),
            ("difference of other cells", choose("compare-difference-minus", GridCell(1, 2)), 0, 0),
            ("difference scaled", toggle("compare-scaled", True), 0, 0),
            ("difference closed", click("compare-difference-close"), 0, 0),
            ("difference of a column's classes", edit("compare-foot", kind="differ", column=1), 0, 0),
            (
                "cell made the active view",
                lambda a: edit(
                    "compare-row-2", kind="activate", row=2, column=2, target=a.selectbox(key="compare-target-2").value
                )(a),
                0,
                0,
            ),
            ("column moved", edit("compare-head", kind="move", column=0, to=2), 0, 0),
            ("column removed", edit("compare-head", kind="remove", column=4), 0, 0),
            ("column seen before", models(*three, "configuration_5"), 0, 0),
            ("column of another model", models(*three, "working"), 0, 2),
            ("row copied", click("compare-copy-2"), 0, 0),
            ("row moved", click("compare-up-3"), 0, 0),
            ("row removed", click("compare-remove-3"), 0, 0),
            ("row added: the next class", click("compare-add"), 0, 4),
            ("class of a row", lambda a: choose("compare-target-3", ranked(7)(a))(a), 0, 4),
            ("class of a row, seen in another", lambda a: choose("compare-target-3", ranked(1)(a))(a), 0, 0),
            ("picture of a row", choose("compare-image-3", "Kitten"), 1, 4),
            ("row of that picture removed", click("compare-remove-3"), 0, 0),
            ("fewer columns", models("configuration_1", "configuration_2"), 0, 0),
            ("flipping measured (look)", measure("compare-flips-start", "_compare_flipping_job"), curves + 1, 0),
            ("the measured page again (look)", rerun, 0, 0),
            ("afresh, seen before", click("compare-afresh"), 0, 0),
        ],
    )


def test_compare_of_two_pictures_with_room_for_one_forward_pass(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_traces", ByteCache(1, lambda trace: trace.nbytes))
    app = open_page("2_Compare", row1="castle_on_lake~crop~~", row2="kitten~crop~~", col1="m~working", compare="each~~~~")
    assert visit_of(app).target is None
    walk(
        app,
        [
            ("the page again (look)", rerun, 0, 0),
            ("one range for all", segment("compare-share", "all"), 0, 0),
            ("class of the picture whose pass is kept", other_class, 0, 1),
        ],
    )


def test_pixel_flipping(open_page: Open) -> None:
    app = open_page(measure="56~mean~4~2~probability~configuration_2.configuration_4")
    both = square(20, 30) | square(120, 20)
    curves = 3 * (2 * 2 + 2)  # pictures between none and all flipped; two orders of two models, two random ones
    walk(
        app,
        [
            ("opening: the working model's map; nothing is marked (look)", goto("3_Pixel_Flipping"), 0, 1),
            ("menus opened (look)", open_menus, 0, 0),
            ("the page again (look)", rerun, 0, 0),
            *LOOKS,
            ("fill of nothing", choose("flip-fill", "mean"), 0, 0),
            ("stroke on the image", lambda a: stroke(a, "image", square(20, 30)), 1, 0),
            ("stroke on the map", lambda a: stroke(a, "map", square(120, 20)), 1, 0),
            ("stroke undone", click("flip-undo-1"), 0, 0),
            ("stroke drawn again", lambda a: stroke(a, "map", both), 0, 0),
            ("another fill", choose("flip-fill", "blur"), 1, 0),
            ("fill seen before", choose("flip-fill", "mean"), 0, 0),
            ("eraser taken", segment("flip-tool", "erase"), 0, 0),
            ("erased", lambda a: stroke(a, "image", square(120, 20)), 0, 0),
            ("brush taken", segment("flip-tool", "brush"), 0, 0),
            ("row copied", click("flip-copy-1"), 0, 0),
            ("row added", click("flip-add"), 0, 0),
            ("row removed", click("flip-remove-2"), 0, 0),
            ("row edited", click("flip-edit-1"), 0, 0),
            ("row named", lambda a: a.text_input(key="flip-name-1").set_value("lake").run(), 0, 0),
            ("the other row edited", click("flip-edit-3"), 0, 0),
            ("the first row removed", click("flip-remove-1"), 0, 0),
            ("another class", lambda a: choose("target", ranked(1)(a))(a), 0, 1),
            ("class seen before", lambda a: choose("target", ranked(0)(a))(a), 0, 0),
            ("pixels by relevance", segment("flip-mode", "relevance"), 1, 0),
            ("their sign", choose("flip-sign", "negative"), 1, 0),
            ("their share", value("slider", "flip-share", 30.0), 1, 0),
            ("their size", choose("flip-unit", 1), 1, 0),
            ("another class, other pixels", lambda a: choose("target", ranked(1)(a))(a), 1, 0),
            ("class and pixels seen before", lambda a: choose("target", ranked(0)(a))(a), 0, 0),
            ("another model, other pixels", choose("flip-model", "configuration_5"), 1, 1),
            ("model and pixels seen before", choose("flip-model", "working"), 0, 0),
            ("cleared", click("flip-clear-3"), 0, 0),
            ("another picture", picture("kitten"), 1, 1),
            ("picture seen before", picture("castle_on_lake"), 0, 0),
            ("measured (look)", measure("flip-measure", "_flipping_job"), curves + 1, 1),  # one model's map was on Home
            ("the measured page again (look)", rerun, 0, 0),
            ("curves of the logit", segment("flip-scale", "logit"), 0, 0),
            ("another step (look)", value("slider", "flip-step", 3), 0, 0),
            ("model that was measured", choose("flip-model", "configuration_4"), 0, 0),
            ("a further random order", number("flip-seeds", 3), 0, 0),
            ("the further order measured (look)", measure("flip-measure", "_flipping_job"), 3, 0),
            ("other patches", choose("flip-patch", 32), 0, 0),
            ("other patches measured (look)", measure("flip-measure", "_flipping_job"), 3 * (2 * 2 + 3) + 1, 0),
        ],
    )


def test_neuron_ablation(open_page: Open) -> None:
    app = open_page(ablate="50~4~2~probability~")
    app.session_state["menu-abl-curves"] = True
    curves = 3 * (1 + 1 + 2)  # points but the first; one model, the activation, two random orders
    walk(
        app,
        [
            ("opening: all layers of the working model (look)", goto("4_Neuron_Ablation"), 0, 1),
            ("menus opened (look)", open_menus, 0, 0),
            ("the page again (look)", rerun, 0, 0),
            *LOOKS,
            ("layer of the list", pick("abl-layers", lambda _: 30), 0, 0),
            ("layer searched", choose("abl-layer", 23), 0, 0),
            ("order of the cells", choose("abl-order", "activation_sum"), 0, 0),
            ("activation in the cells", segment("abl-thumbs", "activation"), 0, 0),
            ("relevance in the cells", segment("abl-thumbs", "relevance"), 0, 0),
            ("own range of the cells", segment("abl-spread", "own"), 0, 0),
            ("gesture in the charts", segment("abl-gesture", "click"), 0, 0),
            ("cells clicked", edit("abl-matrix", kind="toggle", neurons=[3, 5]), 0, 1),
            ("number of the strongest", number("abl-count", 5), 0, 1),
            ("by another score", choose("abl-by", "total_relevance"), 0, 1),
            ("all", click("abl-all"), 0, 1),
            ("none", click("abl-none"), 0, 0),
            ("inverted: all, seen before", click("abl-invert"), 0, 0),
            ("typed", typed("1,2,7-9"), 0, 1),
            ("the other neurons", choose("abl-part", "remainder"), 0, 0),
            ("one neuron", choose("abl-part", 7), 0, 1),
            ("the set again", choose("abl-part", "set"), 0, 0),
            ("ablated", click("abl-go"), 1, 0),
            ("set to the mean", segment("abl-value", "mean"), 0, 0),
            ("ablated by the mean", click("abl-go"), 1, 0),
            ("set to zero", segment("abl-value", "zero"), 0, 0),
            ("ablated as before", click("abl-go"), 0, 0),
            ("kept", click("abl-keep"), 0, 0),
            ("another set", typed("4"), 0, 1),
            ("kept before it is ablated", click("abl-keep"), 1, 0),
            ("ablated as kept", click("abl-go"), 0, 0),
            ("kept set taken up", pick("abl-chips", lambda _: 1), 0, 0),
            ("kept set removed", click("abl-remove-2"), 0, 0),
            ("a layer more", lambda a: (choose("abl-layer", 33)(a), typed("0-3")(a)), 0, 1),
            ("ablated at two layers", click("abl-go"), 1, 0),
            ("none at all layers", click("abl-none-at-all"), 0, 0),
            ("layer of the curves", choose("abl-layer", 23), 0, 0),
            ("curves measured (look)", measure("abl-measure", "_ablation_job"), curves, 0),
            ("the measured page again (look)", rerun, 0, 0),
            ("a further random order", number("abl-seeds", 3), 0, 0),
            ("the further order measured (look)", measure("abl-measure", "_ablation_job"), 3, 0),
            ("another class, nothing selected", lambda a: choose("target", ranked(1)(a))(a), 0, 1),
            ("class seen before", lambda a: choose("target", ranked(0)(a))(a), 0, 0),
            ("selected again", typed("1,2,7-9"), 0, 0),
            ("another model, some selected", choose("abl-model", "configuration_4"), 0, 2),
            ("model seen before", choose("abl-model", "working"), 0, 0),
            ("kept set taken up again", pick("abl-chips", lambda _: 1), 0, 0),
            ("another picture, ablated", picture("kitten"), 2, 2),
        ],
    )


def test_ablation_at_a_layer_larger_than_its_cache(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the full network's lowest layers are: they are kept alone, which must not cost the pixels' map at every rerun."""
    monkeypatch.setattr(work, "_layers", ByteCache(800_000, lambda relevance: relevance.nbytes))
    app = open_page()
    walk(
        app,
        [
            ("opening (look)", goto("4_Neuron_Ablation"), 0, 1),
            ("the lowest layer", choose("abl-layer", 1), 0, 1),
            ("the page again (look)", rerun, 0, 0),
            ("cells clicked", edit("abl-matrix", kind="toggle", neurons=[1]), 0, 1),
            ("the page again, some selected (look)", rerun, 0, 0),
        ],
    )
    lowest = service.relevance(net(), state.ImageRef(), state.start().model, 0, layers=(1,)).at(1)
    assert lowest.nbytes > 800_000
