"""Links as QR codes."""

from __future__ import annotations

import io
from functools import lru_cache

import segno

QR_BYTES = 2953
"""What the largest QR code holds with the weakest correction (ISO/IEC 18004)."""


@lru_cache(32)
def svg(address: str) -> bytes | None:
    """A link as a drawing, dark on white in any theme; None where it is longer than a code holds."""
    if len(address.encode()) > QR_BYTES:
        return None
    code = segno.make(address, error="l", boost_error=True, micro=False)
    file = io.BytesIO()
    code.save(file, kind="svg", xmldecl=False, border=4, omitsize=True, dark="#000", light="#fff", title="QR code")
    return file.getvalue()


def too_long(address: str) -> str:
    """Why there is no code."""
    return f"This link has {len(address)} characters, a QR code holds {QR_BYTES}: copy the link and send it in another way."
