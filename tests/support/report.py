"""Deferred downloads as Streamlit makes them, and reports taken apart."""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st

MATH = "{http://www.w3.org/1998/Math/MathML}"


class Clicks:
    """The deferred files that the page offered last; they are made in a thread without a session, as Streamlit does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._make: dict[str, Callable[[], Any]] = {}
        original = st.download_button

        def spy(label: str, data: Any, *given: Any, **options: Any) -> Any:
            if callable(data):
                self._make[options["key"]] = data
            return original(label, data, *given, **options)

        monkeypatch.setattr(st, "download_button", spy)

    def made(self, key: str) -> bytes:
        """What a click on the button gives."""
        assert key in self._make, f"{key} was not offered"
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(self._make[key]()))
        thread.start()
        thread.join(60)
        return found[0] if isinstance(found[0], bytes) else found[0].read()

    def file(self) -> ET.Element:
        """The report."""
        return parsed(self.made("report").decode("utf-8"))


def parsed(text: str) -> ET.Element:
    """The document: well-formed, without script and without anything from elsewhere."""
    head, _, rest = text.partition("\n")
    assert head == "<!DOCTYPE html>"
    root = ET.fromstring(rest)
    assert root.tag == "html" and root.get("lang") == "en"
    for one in root.iter():
        assert one.tag not in ("script", "iframe", "object", "embed", "link", "base", "form"), one.tag
        assert not [name for name in one.attrib if name.startswith("on")]
        fetched = {name.split("}")[-1]: value for name, value in one.attrib.items()}
        assert not {"srcset", "data", "action", "poster", "background"} & fetched.keys()
        assert "href" not in fetched or (one.tag == "a" and re.match("https?://", fetched["href"]))
        assert "src" not in fetched or (one.tag == "img" and fetched["src"].startswith("data:image/") and one.get("alt"))
    styles = [one.text or "" for one in root.iter("style")] + [one.get("style", "") for one in root.iter()]
    assert not [one for one in styles if re.search(r"url\(|@import|expression", one)]
    return root


def words(node: ET.Element | str | None) -> str:
    """All text of an element, blanks folded."""
    assert node is not None
    return " ".join((node if isinstance(node, str) else "".join(node.itertext())).split())


def section(root: ET.Element, title: str) -> ET.Element:
    """The section whose heading begins so."""
    return next(one for one in root.iter("section") if words(one.find(".//h2")).startswith(title))


def rows(node: ET.Element, caption: str = "") -> list[list[str]]:
    """Cells of the body of the table whose caption begins so."""
    table = next(one for one in node.iter("table") if words(one.find("caption")).startswith(caption))
    return [[words(cell) for cell in row] for row in table.find("tbody").iter("tr")]  # type: ignore[union-attr]


def listed(node: ET.Element) -> dict[str, str]:
    """Terms and what they are."""
    return dict(zip((words(one) for one in node.iter("dt")), (words(one) for one in node.iter("dd")), strict=True))
