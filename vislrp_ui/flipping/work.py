"""What the page computes: the map, the marked pixels, pictures with marks, and the prediction after flipping."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vislrp_core import masks
from vislrp_core.fills import filled_image, flip
from vislrp_core.images import digest, to_input, to_pil
from vislrp_core.masks import Mask
from vislrp_core.network import Network, Prediction, rank
from vislrp_core.partial import box_of, logits_of_changed
from vislrp_ui import service, session, theme
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.gate import GATE
from vislrp_ui.service import Maps
from vislrp_ui.state import ImageRef, Visit
from vislrp_ui.state_flipping import FlippingRow

OPACITY = 0.59
OUTLINE = "#10171E"


@dataclass(frozen=True)
class Flipped:
    """The flipped picture and what the network says about it."""

    png: bytes
    logits: NDArray[np.float64]
    classes: tuple[str, ...]

    @property
    def predictions(self) -> list[Prediction]:
        """All classes, the most probable first."""
        return rank(torch.from_numpy(self.logits), self.classes, len(self.classes))


_flipped: ByteCache[Flipped] = ByteCache(allotted("flipped"), lambda result: len(result.png) + result.logits.nbytes)
_marked: ByteCache[bytes] = ByteCache(allotted("flipping marks"), len)


def mask_digest(mask: Mask) -> str:
    """Name of a mask by its content."""
    return digest(np.packbits(mask).tobytes())


def values_of(maps: Maps) -> NDArray[np.float32] | None:
    """Relevance of the pixels; None where it is not finite."""
    return maps.maps.get(0) if maps.error is None else None


def selected(row: FlippingRow, values: NDArray[np.float32] | None) -> Mask:
    """Pixels that the row selects by relevance."""
    if row.sign == "none" or values is None:
        return masks.empty()
    return masks.select(values, row.share / 100, row.sign, row.unit)


def _waiting(before: int) -> None:
    session.get_visit()  # a point where Streamlit ends a run that a newer edit has made obsolete


def flipped(net: Network, ref: ImageRef, mask: Mask, fill: str) -> Flipped:
    """Flip the marked pixels and run the network; cached by content."""

    def run() -> Flipped:
        changed = to_input(service.picture(ref), net, ref.fit)
        if mask.any():
            marked = torch.from_numpy(mask.copy())
            with GATE.slot(_waiting):
                trace = service.trace(net, ref)
                changed = flip(trace.x, marked, filled_image(trace.x, net, fill))
                service.counters.count("forward_passes")
                found = logits_of_changed(net, trace, changed, box_of(marked))
        else:
            found = service.logits(net, ref)
        buffer = io.BytesIO()
        to_pil(changed, net).save(buffer, "PNG", compress_level=1)
        return Flipped(buffer.getvalue(), found.double().cpu().numpy(), net.classes)

    return _flipped.get_or_make((net.digest, ref, mask_digest(mask), fill if mask.any() else ""), run)


def before(net: Network, ref: ImageRef) -> list[Prediction]:
    """Predictions of the untouched picture, all classes."""
    return service.predictions(net, ref, net.num_classes)


def map_picture(net: Network, visit: Visit, maps: Maps) -> tuple[bytes, float]:
    """The map of the pixels in the visit's colours as a PNG file, and the value of its strongest colour."""
    values = maps.maps[0]
    limit = service.limit_of(values, visit.look)
    key = (net.digest, visit.image, maps.model_key, maps.target, 0)
    return service.heatmap_png(values, key, visit.look, limit=limit, ref=visit.image), limit


def marked_picture(picture: bytes, mask: Mask) -> bytes:
    """A picture file with the marked pixels in yellow and a dark line around them, as a small WebP file."""

    def draw() -> bytes:
        with Image.open(io.BytesIO(picture)) as opened:
            image = opened.convert("RGB")
        stencil = Image.fromarray(mask)
        if stencil.size != image.size:
            stencil = stencil.resize(image.size, Image.Resampling.NEAREST)
        area = stencil.convert("L")
        image.paste(Image.blend(image, Image.new("RGB", image.size, theme.MARKED), OPACITY), mask=area)
        line = np.asarray(area) > np.asarray(area.filter(ImageFilter.MinFilter(3)))
        image.paste(Image.blend(image, Image.new("RGB", image.size, OUTLINE), 0.7), mask=Image.fromarray(line))
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=93, method=2)
        return buffer.getvalue()

    return _marked.get_or_make((digest(picture), mask_digest(mask)), draw)
