"""The typeface of drawn figures: a part of DejaVu Sans.

Pillow's own lacks Greek letters and the minus sign.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import ImageFont


@lru_cache(maxsize=16)
def typeface(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans (Latin, Greek, mathematical signs) at a size in pixels."""
    return ImageFont.truetype(str(Path(__file__).with_name("DejaVuSans.ttf")), size)
