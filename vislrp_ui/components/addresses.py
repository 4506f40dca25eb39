"""Picture files as addresses that need no server."""

from __future__ import annotations

import base64


def data_url(file: bytes, kind: str = "png") -> str:
    """A picture file of a kind ("png", "webp", "jpeg") as a data address."""
    return f"data:image/{kind};base64," + base64.b64encode(file).decode("ascii")
