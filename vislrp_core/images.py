"""Pictures: from hostile bytes to RGB, and from RGB to what the network sees.

A file is believed only as far as it was checked: size before reading, format against a list, dimensions
before decoding.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from vislrp_core.errors import InputError, VisLRPError

if TYPE_CHECKING:
    from .network import Network

Fit = Literal["crop", "squash"]
FITS: dict[str, str] = {
    "crop": "short side to 256 pixels, centre 224 x 224 (as torchvision's VGG16 weights)",
    "squash": "the whole picture squeezed to 224 x 224",
}
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
SIDE = 224
RESIZED = 256
# Beyond this ratio of sides, resizing the whole picture first would need gigabytes for a strip of which 224
# pixels stay.
_NARROW = 20


class ImageError(VisLRPError, ValueError):
    """A picture cannot be used; the message says in one sentence why and what to do."""


def read_image(source: bytes | bytearray | memoryview | str | Path) -> Image.Image:
    """Read a picture and bring it to RGB.

    EXIF rotation is applied, transparency lies on white, of an animation the first frame counts. Greyscale,
    palette, CMYK and 16-bit pictures become 8-bit RGB.

    Parameters
    ----------
    source : bytes or path
        The file's content, or where it is.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.

    Raises
    ------
    ImageError
        Not one of `FORMATS`, larger than `MAX_BYTES` or `MAX_PIXELS`, damaged, or unreadable.
    """
    if isinstance(source, str | Path):
        data, name = _read_file(Path(source)), f'"{Path(source).name}"'
    else:
        data, name = bytes(source), "The picture"
    if not data:
        raise ImageError(f"{name} is empty: choose a picture file (JPEG, PNG, WebP, GIF, BMP or TIFF).")
    if len(data) > MAX_BYTES:
        raise ImageError(
            f"{name} is larger than {MAX_BYTES // 2**20} MB: save it smaller and choose it again."
        )
    return _decode(data, name)


def _read_file(path: Path) -> bytes:
    try:
        if not path.is_file():
            problem = "is not a file" if path.exists() else "was not found"
            raise ImageError(f'"{path}" {problem}: give the path of a picture.')
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f'"{path}" could not be read ({reason}): give the path of a picture.') from error


def _decode(data: bytes, name: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name} has more than 40 megapixels: save it smaller and choose it again."
        ) from error
    # Decoders meet hostile bytes here and answer with any kind of exception.
    except Exception as error:
        raise ImageError(
            f"{name} is not a readable JPEG, PNG, WebP, GIF, BMP or TIFF file: choose another."
        ) from error
    with image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ImageError(
                f"{name} has {width} x {height} pixels, more than 40 megapixels: save it smaller "
                "and choose it again."
            )
        try:
            image.load()
            return _to_rgb(_upright(image))
        except Exception as error:
            reason = "is damaged or cut off" if not isinstance(error, ImageError) else str(error)
            raise ImageError(
                f"{name} {reason}: open it in a picture program, save it again, or choose another."
            ) from error


def _upright(image: Image.Image) -> Image.Image:
    """The picture rotated as its EXIF orientation says; without a readable orientation, as it is stored."""
    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:
        return image
    return ImageOps.exif_transpose(image) if orientation in range(2, 9) else image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _from_deep_grey(image).convert("RGB")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        paper = Image.new("RGB", coloured.size, "white")
        paper.paste(coloured, mask=coloured.getchannel("A"))
        return paper
    return image.convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """8-bit greyscale from 16-bit integers, or from floats of the range 0..1, 0..255 or 0..65535."""
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 65535):
        raise ImageError("has grey values outside 0 to 65535")
    # Floats have no agreed white: the smallest usual one that holds all values counts.
    white = next(w for w in (1.0, 255.0, 65535.0) if high <= w) if image.mode == "F" else 65535.0
    return Image.fromarray(np.rint(values * np.float32(255 / white)).astype(np.uint8))


def network_view(image: Image.Image, fit: str = "crop") -> Image.Image:
    """The 224 x 224 pixels that the network sees.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB, any size.
    fit : {"crop", "squash"}
        `crop`: as torchvision's VGG16 weights, short side to 256 and the centre 224 x 224. `squash`: the
        whole picture.
    """
    if fit == "squash":
        return image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    if fit != "crop":
        raise InputError(f'fit: must be "crop" or "squash", got "{fit}"')
    short, long = sorted(image.size)
    if long > _NARROW * short:
        return _crop_of_strip(image)
    resized = image.resize([RESIZED * length // short for length in image.size], Image.Resampling.BILINEAR)
    left, top = (round((length - SIDE) / 2) for length in resized.size)
    return resized.crop((left, top, left + SIDE, top + SIDE))


def _crop_of_strip(image: Image.Image) -> Image.Image:
    """The same centre crop, resampled from its own part of the picture only."""
    box: list[tuple[float, float]] = []
    short = min(image.size)
    for length in image.size:
        resized = int(RESIZED * length / short)
        offset = round((resized - SIDE) / 2)
        box.append((offset * length / resized, (offset + SIDE) * length / resized))
    (left, right), (top, bottom) = box
    return image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, right, bottom))


def to_input(image: Image.Image, network: Network, fit: str = "crop") -> Tensor:
    """Preprocess a picture exactly as torchvision's `ImageClassification(crop_size=224, resize_size=256)`.

    The steps are written out, because importing torchvision takes longer than an explanation.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB.
    network : Network
        Gives mean, standard deviation, device and dtype.
    fit : {"crop", "squash"}
        See `network_view`.

    Returns
    -------
    Tensor
        (1, 3, 224, 224). Computed in float32 as torchvision does, then converted to the network's dtype.
    """
    pixels = torch.from_numpy(np.array(network_view(image, fit))).permute(2, 0, 1).contiguous()
    mean, std = (
        torch.tensor(tuple(channels), dtype=torch.float32).reshape(3, 1, 1)
        for channels in (network.mean, network.std)
    )
    values = (pixels.to(torch.float32) / 255 - mean) / std
    return values.unsqueeze(0).to(device=network.device, dtype=network.dtype)


def to_pil(x: Tensor, network: Network) -> Image.Image:
    """Undo the preprocessing, for showing changed pixels; values outside black..white are clipped.

    Parameters
    ----------
    x : Tensor
        (1, 3, H, W) or (3, H, W), preprocessed.
    """
    values = x.detach().reshape(x.shape[-3:]).to(device="cpu", dtype=torch.float64)
    mean = torch.as_tensor(network.mean, dtype=torch.float64, device="cpu").reshape(3, 1, 1)
    std = torch.as_tensor(network.std, dtype=torch.float64, device="cpu").reshape(3, 1, 1)
    pixels = ((values * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())


def digest(data: bytes) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
