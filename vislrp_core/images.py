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
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from vislrp_core import containers, depth, profiles, tiff
from vislrp_core.architecture import ARCHITECTURES, DEFAULT
from vislrp_core.errors import ImageError as ImageError
from vislrp_core.errors import InputError

if TYPE_CHECKING:
    from .network import Network

Fit = Literal["crop", "squash"]
SIDE = ARCHITECTURES[DEFAULT].input_size
"""Pixels along a side of what the known networks see."""
RESIZED = 256
"""Pixels along the short side of a picture before its centre is cut out for them."""
FITS: dict[str, str] = {
    "crop": f"short side to {RESIZED} pixels, centre {SIDE} x {SIDE} (as torchvision's VGG16 weights)",
    "squash": f"the whole picture squeezed to {SIDE} x {SIDE}",
}
FIT_HELP = "how the picture gets the network's size (crop)"
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
# Beyond this ratio of sides, resizing the whole picture first would need gigabytes for a strip of which a
# small square stays.
_NARROW = 20


def read_image(source: bytes | bytearray | memoryview | str | Path) -> Image.Image:
    """Read a picture and bring it to 8-bit RGB as a screen would show it.

    Colour profiles are brought to sRGB (one that is damaged or meant for other pictures is left aside), the orientation
    is applied, transparency is put on white, of an animation the first frame counts. A JPEG of which less than a hundredth
    is missing at the end is taken.

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
        Not one of `containers.FORMATS`, larger than `MAX_BYTES` or `MAX_PIXELS`, damaged, or unreadable.
    """
    if isinstance(source, str | Path):
        data, name = _read_file(Path(source)), f'"{Path(source).name}"'
    else:
        data, name = bytes(source), "The picture"
    if not data:
        raise ImageError(f"{name} is empty: choose a picture file ({containers.READABLE}).")
    if len(data) > MAX_BYTES:
        raise ImageError(f"{name} is larger than {MAX_BYTES // 2**20} MB: save it smaller and choose it again.")
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
    image, profile = _read(data, name)
    try:
        return _on_white(image, profile)
    except Exception as error:
        raise ImageError(f"{name} {_DAMAGED}") from error


def _read(data: bytes, name: str, *, marks: bool = False) -> _Read:
    try:
        kind = containers.kind_of(data)
        if not kind:
            raise ImageError(f"is not a readable {containers.READABLE} file: choose another.")
        return _READERS.get(kind, _plain)(data, kind, marks)
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has more than 40 megapixels: save it smaller and choose it again.") from error
    except ImageError as error:
        raise ImageError(f"{name} {error}") from error
    except MemoryError as error:
        raise ImageError(f"{name} needs more memory than there is: save it smaller and choose it again.") from error


def read_marks(data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Brightness and opacity of a picture that marks pixels, in the file's own size.

    Values of more than 8 bits count as shares of the largest one. Where a palette's colours are equally bright, their
    numbers count.

    Parameters
    ----------
    data : bytes
        A file that `read_image` takes.

    Returns
    -------
    brightness, opacity : ndarray
        (height, width), 0 to 255.

    Raises
    ------
    ImageError
        As `read_image`.
    """
    if not data or len(data) > MAX_BYTES:
        read_image(data)
    image, _ = _read(data, "The picture", marks=True)
    painted = image.convert("LA" if image.mode in ("1", "L", "La", "LA") else "RGBA")
    opacity = np.asarray(painted.getchannel("A"))
    brightness = np.asarray(painted.convert("L"))
    if image.mode == "P" and len(np.unique(brightness[opacity > 0])) == 1:
        brightness = np.asarray(image)
    return brightness, opacity


_Read = tuple[Image.Image, bytes | None]
"""A picture as its file holds it, in 8 bits and upright, and the profile of its colours."""


def _plain(data: bytes, kind: str, marks: bool) -> _Read:
    return _in_8_bits(_loaded(data, kind), data, marks)


def _jpeg(data: bytes, kind: str, marks: bool) -> _Read:
    image = _opened(data, kind)
    try:
        image.load()
    except Exception as error:
        if not containers.is_cut_off(error):
            raise ImageError(_DAMAGED) from error
        image = containers.mended_jpeg(data)
    profile = image.info.get("icc_profile")
    if not profile and _is_adobe_rgb(image):
        profile = profiles.matrix_profile(profiles.ADOBE_RGB, 563 / 256)
    return _in_8_bits(image, data, marks, profile)


def _png(data: bytes, kind: str, marks: bool) -> _Read:
    lighter, profile, code = containers.lighter_png(data)
    image = _loaded(lighter, kind)
    if code is not None:
        profile = profiles.of_code(*code)
    elif profile is None and "srgb" not in image.info:
        profile = profiles.of_png(image.info.get("gamma"), image.info.get("chromaticity"))
    return _in_8_bits(image, lighter, marks, profile)


def _tiff(data: bytes, kind: str, marks: bool) -> _Read:
    read = tiff.read_tiff(data, MAX_PIXELS, stretch=marks)
    return _plain(data, kind, marks) if read is None else (read, read.info.get("icc_profile"))


def _heif(data: bytes, kind: str, marks: bool) -> _Read:
    if kind == "HEIF":
        containers.register_heif()
    code = containers.colour_code(data)
    image = _loaded(data, kind)
    if kind == "HEIF" and not containers.turns_itself(data):
        profile = image.info.get("icc_profile")
        image = containers.upright(image, image.info.get("original_orientation"))
        image.info["icc_profile"] = profile
    profile = image.info.get("icc_profile") or (profiles.of_code(*code) if code else None)
    return _in_8_bits(image, data, marks, profile)


_READERS = {"JPEG": _jpeg, "PNG": _png, "TIFF": _tiff, "AVIF": _heif, "HEIF": _heif}
_DAMAGED = "is damaged or cut off: open it in a picture program, save it again, or choose another."


def _opened(data: bytes, kind: str) -> Image.Image:
    """The picture before it is decoded, of a size that may be.

    A warning of Pillow for pictures above 89 megapixels cannot come: they are refused here.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "MPO") if kind == "JPEG" else (kind,))
    except Image.DecompressionBombError:
        raise
    # Decoders meet hostile bytes here and may raise any kind of exception.
    except Exception as error:
        raise ImageError(f"is not a readable {containers.READABLE} file: choose another.") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(f"has {width} x {height} pixels, more than 40 megapixels: save it smaller and choose it again.")
    return image


def _loaded(data: bytes, kind: str) -> Image.Image:
    image = _opened(data, kind)
    try:
        image.load()
    except Exception as error:
        raise ImageError(_DAMAGED) from error
    return image


def _in_8_bits(image: Image.Image, data: bytes, marks: bool, profile: bytes | None = None) -> _Read:
    """What Pillow read, upright, with the transparency that is named by a value."""
    try:
        profile = profile or image.info.get("icc_profile")
        image = _upright(image)
        transparent = containers.transparent_value(image, data)
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            bits = getattr(image, "tag_v2", {}).get(258, 16)
            return depth.grey(image, bits[0] if isinstance(bits, tuple) else bits, transparent, stretch=marks), profile
        if transparent is not None:
            grey = image.convert("L")
            grey.putalpha(grey.point([0 if level == transparent else 255 for level in range(256)]))
            return grey, profile
        return image, profile
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(_DAMAGED) from error


def _is_adobe_rgb(image: Image.Image) -> bool:
    """Whether a camera says so in its own way, without a profile (DCF's option file)."""
    try:
        return image.mode == "RGB" and str(image.getexif().get_ifd(0xA005).get(1, "")).startswith("R03")
    except Exception:
        return False


def _upright(image: Image.Image) -> Image.Image:
    """The picture rotated as its EXIF orientation says; without a readable orientation, as it is stored."""
    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:
        return image
    return ImageOps.exif_transpose(image) if orientation in range(2, 9) else image


def _on_white(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours in sRGB, and white where nothing is painted."""
    if image.mode == "La":
        image = image.convert("LA")
    if not image.has_transparency_data:
        return profiles.to_srgb(
            image if image.mode in profiles.SPACES else image.convert("L" if image.mode == "1" else "RGB"), profile
        )
    coloured = image if image.mode == "LA" else image.convert("RGBA")
    alpha = coloured.getchannel("A")
    paper = Image.new("RGB", coloured.size, "white")
    paper.paste(profiles.to_srgb(coloured.convert("L" if image.mode == "LA" else "RGB"), profile), mask=alpha)
    return paper


def before_the_cut(side: int) -> int:
    """Pixels along the short side of a picture whose centre is cut out at a network's size: as torchvision does."""
    return RESIZED * side // SIDE


def network_view(image: Image.Image, fit: str = "crop", side: int = SIDE) -> Image.Image:
    """The pixels that the network sees.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB, any size.
    fit : {"crop", "squash"}
        `crop`: as torchvision's weights, the short side to 8/7 of the network's size and the centre of it. `squash`:
        the whole picture.
    side : int
        The network's size, see `Architecture.input_size`.
    """
    if fit == "squash":
        return image.resize((side, side), Image.Resampling.BILINEAR)
    if fit != "crop":
        raise InputError(f'fit: must be "crop" or "squash", got "{fit}"')
    short, long = sorted(image.size)
    if long > _NARROW * short:
        return _crop_of_strip(image, side)
    resized = image.resize([before_the_cut(side) * length // short for length in image.size], Image.Resampling.BILINEAR)
    left, top = (round((length - side) / 2) for length in resized.size)
    return resized.crop((left, top, left + side, top + side))


def _crop_of_strip(image: Image.Image, side: int) -> Image.Image:
    """The same centre crop, resampled from its own part of the picture only."""
    box: list[tuple[float, float]] = []
    short = min(image.size)
    for length in image.size:
        resized = int(before_the_cut(side) * length / short)
        offset = round((resized - side) / 2)
        box.append((offset * length / resized, (offset + side) * length / resized))
    (left, right), (top, bottom) = box
    return image.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, right, bottom))


def to_input(image: Image.Image, network: Network, fit: str = "crop") -> Tensor:
    """Preprocess a picture exactly as torchvision's `ImageClassification` with the network's size as `crop_size`.

    The steps are written out, because importing torchvision takes longer than an explanation.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB.
    network : Network
        Gives size, mean, standard deviation, device and dtype.
    fit : {"crop", "squash"}
        See `network_view`.

    Returns
    -------
    Tensor
        (1, 3, side, side). Computed in float32 as torchvision does, then converted to the network's dtype.
    """
    view = network_view(image, fit, network.architecture.input_size)
    pixels = torch.from_numpy(np.array(view)).permute(2, 0, 1).contiguous()
    mean, std = (
        torch.tensor(tuple(channels), dtype=torch.float32).reshape(3, 1, 1) for channels in (network.mean, network.std)
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
