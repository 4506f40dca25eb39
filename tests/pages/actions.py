"""Actions of a user on a page, by native controls and by gestures on components, and what they cost."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from tests.pages.conftest import gesture, net, visit_of
from vislrp_ui import service

Do = Callable[[AppTest], object]
Action = tuple[str, Do, int, int]
"""What is done, how, forward passes, propagations."""


def cost(do: Callable[[], object]) -> tuple[int, int]:
    """Forward passes and propagations of what is done."""
    passes, propagations = service.counters.forward_passes, service.counters.propagations
    do()
    return service.counters.forward_passes - passes, service.counters.propagations - propagations


def walk(app: AppTest, actions: list[Action]) -> None:
    """Do one after the other; each changes the visit, except those that say "(look)", and costs what it says."""
    idle, wrong = [], {}
    for name, do, *wanted in actions:
        before = visit_of(app)
        found = cost(partial(do, app))
        assert not app.exception, (name, app.exception)
        if (visit_of(app) == before) != name.endswith("(look)"):
            idle.append(name)
        if found != tuple(wanted):
            wrong[name] = f"{found} in place of {tuple(wanted)}"
    assert not idle, f"these did nothing, or more than look: {idle}"
    assert not wrong, f"forward passes and propagations: {wrong}"


# --- ways to act --------------------------------------------------------------------------------------------------------


def rerun(app: AppTest) -> None:
    app.run()


def click(key: str) -> Do:
    return lambda app: app.button(key=key).click().run()


def value(kind: str, key: str, wanted: object) -> Do:
    """Give a widget a value."""
    return lambda app: getattr(app, kind)(key=key).set_value(wanted).run()


choose, number, toggle, segment = (
    partial(value, kind) for kind in ("selectbox", "number_input", "toggle", "segmented_control")
)


def edit(component: str, /, **what: object) -> Do:
    """One gesture on a component that edits."""
    return lambda app: gesture(app, component, what)


def pick(key: str, wanted: Callable[[AppTest], object]) -> Do:
    """A click on a bar, a card, a chip or a row of a component."""
    return lambda app: gesture(app, key, {"kind": "pick", "value": wanted(app)})


def ranked(place: int) -> Callable[[AppTest], int]:
    """The class at a place of the prediction, the most probable at 0."""
    return lambda app: service.predictions(net(), visit_of(app).image, 10)[place].index


def bar(key: str, place: int) -> Do:
    return pick(key, ranked(place))


def card(key: str, id: str) -> Do:
    return pick(key, lambda _: id)


def picture(id: str) -> Do:
    """A picture of the gallery."""

    def do(app: AppTest) -> None:
        app.button(key="open-gallery").click().run()
        app.button(key=f"sample-{id}").click().run()

    return do


def upload(app: AppTest) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (240, 300, 3), dtype=np.uint8)).save(buffer, "PNG")
    app.file_uploader(key="upload").upload("noise.png", buffer.getvalue(), "image/png").run()


def buttons(key: str, wanted: str) -> Do:
    """One of a row of buttons that stands in a menu."""
    return lambda app: (
        cast(ButtonGroup[str], next(g for g in app.get("button_group") if getattr(g, "key", "") == key))
        .set_value(wanted)
        .run()
    )


def measure(button: str, job: str) -> Do:
    """Start a measurement, wait for its end, look at it."""

    def do(app: AppTest) -> None:
        app.button(key=button).click().run()
        app.session_state[job].join(60)
        assert app.session_state[job].progress.message == ""
        app.run()

    return do


def goto(page: str) -> Do:
    return lambda app: app.switch_page(f"pages/{page}.py").run()


def models(*ids: str) -> Do:
    """Exactly these models as columns."""

    def do(app: AppTest) -> None:
        names = [visit_of(app).entry(id).name for id in ids]
        app.multiselect(key="compare-models").set_value(names).run()

    return do


def other_class(app: AppTest) -> None:
    """Another class of the second row."""
    key = "compare-target-2"
    choose(key, next(index for index in range(10) if index != app.selectbox(key=key).value))(app)


def typed(text: str) -> Do:
    """Neurons as numbers and ranges."""
    return lambda app: app.text_input(key="abl-typed").set_value(text).run()


LOOKS: list[Action] = [
    ("another spectrum", choose("look-spectrum", "orange-white-purple"), 0, 0),
    ("another range", choose("look-range", "max"), 0, 0),
    ("map over the image", toggle("look-overlay", True), 0, 0),
    ("opacity", value("slider", "look-opacity", 0.4), 0, 0),
]
