"""Uploaded pictures as they are kept: what the network can see of them, and nothing more."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from vislrp_core.images import RESIZED, SIDE, ImageError, digest, network_view, read_image

MAX_FILE = 600_000
"""Bytes of one kept file: 256 x 256 pixels without any compression are fewer."""
MAX_KEPT = 12
"""Pictures of one session and of one browser; the oldest are forgotten first."""
THUMB = 96
MARGIN = (RESIZED - SIDE) // 2


class MissingImage(LookupError):
    """The server has no such picture (any more); the text is one sentence that says what to do."""


class AwaitedImage(MissingImage):
    """The picture may still come from the browser that keeps it."""


@dataclass(frozen=True)
class Upload:
    """A picture by what both ways to the network's size need of it.

    The large original is not kept: neither page shows it, and the browser would have to hold it.

    Attributes
    ----------
    crop : bytes
        PNG of 256 x 256 pixels: the centre of the picture whose short side is 256.
    squash : bytes
        PNG of `SIDE` x `SIDE` pixels: the whole picture.
    """

    crop: bytes
    squash: bytes

    @property
    def id(self) -> str:
        """Hash of what is kept: the same file gives the same, in every browser."""
        return digest(self.crop + self.squash)

    def file(self, fit: str) -> bytes:
        """The file that a way to the network's size starts from."""
        return self.squash if fit == "squash" else self.crop


def reduce(image: Image.Image) -> Upload:
    """What is kept of a picture; `network_view` makes the same pixels of it as of the picture itself."""
    seen = network_view(image, "crop")
    short = min(image.size)
    centre = Image.new("RGB", (RESIZED, RESIZED))
    if max(image.size) <= 20 * short:  # longer strips have no margin worth keeping
        resized = image.resize([RESIZED * length // short for length in image.size], Image.Resampling.BILINEAR)
        left, top = (round((length - SIDE) / 2) - MARGIN for length in resized.size)
        centre = resized.crop((left, top, left + RESIZED, top + RESIZED))
    centre.paste(seen, (MARGIN, MARGIN))
    return Upload(_png(centre), _png(network_view(image, "squash")))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def checked(crop: bytes, squash: bytes) -> Upload:
    """A picture that a browser hands back.

    Raises
    ------
    ImageError
        It is not what `reduce` makes.
    """
    for data, side in ((crop, RESIZED), (squash, SIDE)):
        if len(data) > MAX_FILE or read_image(data).size != (side, side):
            raise ImageError("The picture that this browser kept is damaged: upload the file again.")
    return Upload(crop, squash)


def thumbnail(upload: Upload) -> bytes:
    """A small JPEG of a picture, for lists."""
    with Image.open(io.BytesIO(upload.squash)) as image:
        buffer = io.BytesIO()
        image.resize((THUMB, THUMB)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
