"""What elements of a page hold: a component's payload, the values that widgets are drawn with."""

from __future__ import annotations

import json
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState


def payload_of(content: Any) -> dict[str, Any] | None:
    """What a component was sent; None for anything else."""
    if type(content).__name__ != "BidiComponent" or not content.json:
        return None
    return json.loads(content.json)


def plain(state: WidgetState) -> object:
    """A widget's value."""
    name = state.WhichOneof("value")
    if name is None:
        return None
    value = getattr(state, name)
    return tuple(value.data) if hasattr(value, "data") else value


def initial(content: Any) -> WidgetState | None:
    """The value that a widget is drawn with; None for what holds none."""
    set_value = getattr(content, "set_value", False)
    state = WidgetState()
    match type(content).__name__:
        case "Selectbox" | "Radio":
            if set_value and content.HasField("raw_value"):
                state.string_value = content.raw_value
            elif content.HasField("default") and content.options:
                state.string_value = content.options[content.default]
        case "TextInput":
            state.string_value = content.value if set_value else content.default
        case "Slider":
            state.double_array_value.data.extend(content.value if set_value else content.default)
        case "NumberInput":
            if set_value or content.HasField("default"):
                state.double_value = content.value if set_value else content.default
        case "Checkbox":
            state.bool_value = content.value if set_value else content.default
        case "MultiSelect":
            state.string_array_value.data.extend(
                content.raw_values if set_value else [content.options[place] for place in content.default]
            )
            state.string_array_value.SetInParent()
        case "ButtonGroup":
            state.string_array_value.data.extend(
                content.raw_values if set_value else [content.options[place].content for place in content.default]
            )
            state.string_array_value.SetInParent()
        case _:
            return None
    return state
