"""A component on an empty page, without a server: data goes in by hand, messages are collected."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from vislrp_ui.components.assets import bundle

_SET_UP = """
async ({ js, css, html }) => {
  document.body.innerHTML = "<div id=host style='width:820px'></div>";
  const root = document.querySelector("#host").attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = ":host{--st-text-color:#1b2430;--st-background-color:#fff;--st-border-color:#dde2e8;"
    + "--st-secondary-background-color:#f3f5f7;--st-link-color:#0b6e7f;--st-font:sans-serif}" + css;
  const content = document.createElement("div");
  content.innerHTML = html;
  root.append(style, content);
  const module = await import(URL.createObjectURL(new Blob([js], { type: "text/javascript" })));
  const sent = [];
  const keep = (name, value) => sent.push(JSON.parse(JSON.stringify([name, value])));
  window.stage = {
    sent,
    draw(data) {
      this.leave = module.default({ parentElement: root, data, setStateValue: keep, setTriggerValue: keep });
    },
  };
}
"""


class Stage:
    """One component.

    Parameters
    ----------
    page : Page
        Its content is replaced.
    name : str
        Name of the files.
    html : str
        The component's own markup.
    parts : tuple of str
        Further files.
    """

    def __init__(self, page: Page, name: str, html: str, parts: tuple[str, ...] = ()) -> None:
        self.page = page
        page.evaluate(_SET_UP, {"js": bundle(name, ".js", parts), "css": bundle(name, ".css", parts), "html": html})

    def draw(self, payload: dict[str, Any], *, seq: int = 0, sid: str = "s") -> None:
        """Data from the server."""
        self.page.evaluate("data => window.stage.draw(data)", {**payload, "seq": seq, "sid": sid})

    @property
    def sent(self) -> list[Any]:
        """Values sent so far."""
        return [value for _, value in self.page.evaluate("window.stage.sent")]

    @property
    def edits(self) -> list[dict[str, Any]]:
        """The edits of the last message."""
        return self.sent[-1]["edits"] if self.sent else []

    def wait_for_edit(self, name: str, value: Any) -> None:
        """Wait until the last edit has this value; quick key presses are sent together after a short pause."""
        self.page.wait_for_function(
            "([name, value]) => window.stage.sent.at(-1)?.[1].edits.at(-1)[name] === value", arg=[name, value]
        )
