"""Pictures that pages show: a sample, or an upload of this session, as a whole and as the network sees it."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from vislrp_core import heatmap as colours
from vislrp_core.images import network_view, read_image
from vislrp_ui import session
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.samples import samples
from vislrp_ui.state import ImageRef
from vislrp_ui.uploads import AwaitedImage, MissingImage

images: ByteCache[Image.Image] = ByteCache(allotted("pictures"), lambda image: 3 * image.width * image.height)
views: ByteCache[Image.Image] = ByteCache(allotted("views"), lambda image: 3 * image.width * image.height)
files: ByteCache[bytes] = ByteCache(allotted("files"), len)


def _source(ref: ImageRef) -> Path | bytes:
    """The file of a picture (MissingImage if this session has none such)."""
    if ref.kind == "sample":
        if ref.id not in samples():
            raise MissingImage(f"There is no sample image “{ref.id[:40]}”: choose one from the gallery.")
        return samples()[ref.id].path
    data = session.upload(ref)
    if data is None and session.awaited(ref):
        raise AwaitedImage("The image is on its way from this browser's storage.")
    if data is None:
        raise MissingImage(
            "This view shows an image that was uploaded in another visit and is not kept: "
            "upload the same file again, or choose another image."
        )
    return data


def picture(ref: ImageRef) -> Image.Image:
    """The picture in RGB: a sample at its own size, an upload as it is kept (MissingImage if neither is at hand)."""
    source = _source(ref)
    kept = (ref.kind, ref.id) if ref.kind == "sample" else ("upload file", ref.id, ref.fit)
    return images.get_or_make(kept, lambda: read_image(source))


def view(ref: ImageRef) -> Image.Image:
    """The pixels that the network sees (MissingImage, ImageError if there is no such picture)."""
    _source(ref)
    return views.get_or_make((ref.kind, ref.id, ref.fit), lambda: network_view(picture(ref), ref.fit))


def view_png(ref: ImageRef) -> bytes:
    """`view` as a PNG file."""
    seen = view(ref)
    return files.get_or_make(("view", ref), lambda: colours.png(seen))


def thumbnail(ref: ImageRef, size: int = 160) -> bytes:
    """The network's view as a small JPEG file, for galleries and lists."""
    seen = view(ref)

    def shrink() -> bytes:
        buffer = io.BytesIO()
        seen.resize((size, size), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=85)
        return buffer.getvalue()

    return files.get_or_make(("thumbnail", ref, size), shrink)
