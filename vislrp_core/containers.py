"""Picture files of all kinds: which kind a file is, and what has to be done before or after Pillow reads it."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFile

from vislrp_core.errors import ImageError

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
READABLE = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC"
ENDINGS = (
    "jpg",
    "jpeg",
    "jpe",
    "jfif",
    "mpo",
    "png",
    "apng",
    "webp",
    "gif",
    "bmp",
    "dib",
    "tif",
    "tiff",
    "avif",
    "heic",
    "heif",
    "hif",
)
"""Endings of the names of such files, for the dialog that chooses one."""

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif"}
_RAW_BRANDS = {b"crx "}
_ADVICE = "save it as PNG or JPEG and choose it again."


def kind_of(data: bytes) -> str:
    """The format of a file that may be a picture, by its first bytes: one of `FORMATS`, or "".

    Raises
    ------
    ImageError
        A known kind of file that is none of `FORMATS`; the text begins with a verb.
    """
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[4:8] == b"ftyp":
        brands = {data[8:12], *(data[place : place + 4] for place in range(16, min(int.from_bytes(data[:4]), 256), 4))}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
        raise ImageError(
            "is a raw file of a camera: develop it and save it as JPEG or PNG."
            if brands & _RAW_BRANDS
            else f"is a film, not a picture: take one frame, {_ADVICE}"
        )
    for start, name in _FOREIGN:
        if data.startswith(start):
            raise ImageError(f"is {name}: {_ADVICE}")
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        if data[8:10] == b"CR":
            raise ImageError("is a raw file of a camera: develop it and save it as JPEG or PNG.")
        return "TIFF"
    if data[:2] == b"BM":
        return "BMP"
    if re.match(rb"[\xef\xbb\xbf\s]*(<\?xml[^>]*>|<!--.*?-->|<!doctype svg[^>]*>|\s)*<svg[\s>]", data[:4000], re.I | re.S):
        raise ImageError(f"is an SVG drawing, which has no pixels: {_ADVICE}")
    if re.match(rb"[\xef\xbb\xbf\s]*<(!doctype html|html)", data[:200], re.I):
        raise ImageError("is a web page, not a picture: save the picture itself and choose it again.")
    if data[128:132] == b"DICM":
        raise ImageError(f"is a DICOM file: {_ADVICE}")
    return ""


_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"\0\0\1\0", "an icon (ICO)"),
    (b"\0\0\2\0", "a cursor (CUR)"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"v/1\x01", "an OpenEXR file"),
    (b"#?RADIANCE", "a Radiance HDR file"),
    (b"#?RGBE", "a Radiance HDR file"),
    (b"FUJIFILMCCD-RAW", "a raw file of a camera"),
    (b"IIRO", "a raw file of a camera"),
    (b"IIRS", "a raw file of a camera"),
    (b"IIU\0", "a raw file of a camera"),
    (b"FOVb", "a raw file of a camera"),
    (b"II\xbc\x01", "a JPEG XR file"),
    (b"gimp xcf", "a GIMP file"),
    (b"qoif", "a QOI file"),
    *((b"P%d" % number, "a portable pixmap (PNM)") for number in range(1, 8)),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a compressed file (gzip)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"icns", "an icon (ICNS)"),
)


def upright(image: Image.Image, orientation: object) -> Image.Image:
    """The picture turned as an EXIF orientation (1 to 8) asks; others change nothing."""
    turn = Image.Transpose
    turns = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if isinstance(orientation, int) and orientation in turns else image


# --- PNG ----------------------------------------------------------------------------------------------------------------

MAX_TEXT = 8 * 1024 * 1024
"""Bytes of texts of a PNG that are handed on; they may hold where up is, and nothing else of use."""
_LONGEST_TEXT = 1024 * 1024 - 64
MAX_PROFILE = 16 * 1024 * 1024


def lighter_png(data: bytes) -> tuple[bytes, bytes | None, tuple[int, int] | None]:
    """A PNG without what Pillow would refuse as too large: long texts are left out, the colour profile is taken out.

    Returns
    -------
    data, profile, code
        The file, its ICC profile, and the primaries and transfer of its cICP chunk.
    """
    kept, profile, code, room = [data[:8]], None, None, MAX_TEXT
    for name, start, end in _chunks(data):
        body = data[start + 8 : end - 4]
        if name == b"iCCP":
            _, _, packed = body.partition(b"\0")
            profile = _inflated(packed[1:], MAX_PROFILE)
            continue
        if name == b"cICP" and len(body) >= 2:
            code = body[0], body[1]
        if name in (b"tEXt", b"zTXt", b"iTXt"):
            size = _text_size(name, body)
            room -= size
            if size > _LONGEST_TEXT or room < 0:
                continue
        kept.append(data[start:end])
    return b"".join(kept), profile, code


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of every chunk; a last one that is cut off ends with the file."""
    place = 8
    while place < len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4])
        yield data[place + 4 : place + 8], place, min(end, len(data))
        place = end


def _text_size(name: bytes, body: bytes) -> int:
    """Bytes of a text once it is unpacked, or more than any that is kept."""
    _, _, rest = body.partition(b"\0")
    if name == b"iTXt" and rest[:1] == b"\1":
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    elif name != b"zTXt":
        return len(body)
    else:
        rest = rest[1:]
    unpacked = _inflated(rest, _LONGEST_TEXT)
    return _LONGEST_TEXT + 1 if unpacked is None else len(unpacked)


def _inflated(packed: bytes, most: int) -> bytes | None:
    """Unpacked bytes; None where they are damaged or more than allowed."""
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(packed, most + 1)
    except zlib.error:
        return None
    return found if len(found) <= most else None


def transparent_value(image: Image.Image, data: bytes) -> int | None:
    """The grey value that a PNG's tRNS chunk names, on the scale of the mode that Pillow reads it in; None if there is none.

    The chunk counts in the file's own bits, 0 to 15 for four of them.
    """
    value = image.info.get("transparency")
    if image.format != "PNG" or image.mode not in ("1", "L", "I", "I;16") or not isinstance(value, int):
        return None
    bits = data[24]
    return value if bits >= 8 else value * 255 // (2**bits - 1)


# --- JPEG ---------------------------------------------------------------------------------------------------------------

MAX_MISSING = 0.01
"""Share of a picture that may be missing at the end of a file: less than one sees, let alone a network."""
_END = b"\xff\xd9"
# Some files restart their coding after every few blocks, others take a restart mark for the end.
_FILLERS = (
    b"\x35\xa9\x5c" * 4000,
    b"\xc3\x5a" * 4000,
    b"".join(b"\x35\xa9\x5c" * 20 + bytes([0xFF, 0xD0 + number % 8]) for number in range(4000)),
)


def mended_jpeg(data: bytes) -> Image.Image:
    """A JPEG whose end is missing, decoded; its last bytes may be nothing but the mark of the end.

    Two decodings show how much is missing: one where the file simply ends, and one with other bytes behind it. They agree
    wherever the file itself decides.

    Raises
    ------
    ImageError
        More is missing than `MAX_MISSING`, or finer steps of a progressive picture; the text begins with a verb.
    """
    data = data.rstrip(b"\xff")  # half of a mark

    def decoded(end: bytes) -> Image.Image:
        image = Image.open(io.BytesIO(data + end), formats=("JPEG", "MPO"))
        image.load()
        return image

    try:
        first = decoded(_END)
        others = [decoded(filler + _END) for filler in _FILLERS]
    except Exception as error:
        raise ImageError(f"is damaged or cut off: {_AGAIN}") from error
    size = (max(1, first.width // 8), max(1, first.height // 8))
    whole = np.asarray(first).reshape(first.height, first.width, -1).astype(np.int16)
    differ = np.zeros((first.height, first.width), dtype=bool)
    for other in others:
        differ |= (whole != np.asarray(other).reshape(whole.shape)).any(axis=2)
    # Blocks, not pixels: the bytes behind may agree with the filling here and there.
    blocks = np.asarray(Image.fromarray(differ.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)) > 0
    missing = float(blocks.mean()) if differ.any() else 0.0
    if missing > MAX_MISSING:
        raise ImageError(
            f"is cut off: about {max(2, round(100 * missing))} % of the picture is missing; get the file again."
        )
    if not _all_steps(data):
        raise ImageError("is cut off: only its coarse first steps are there; get the file again.")
    return first


_AGAIN = "open it in a picture program, save it again, or choose another."


def _all_steps(data: bytes) -> bool:
    """Whether a progressive JPEG has begun the last step of every frequency; others have one step alone."""
    if not re.search(rb"\xff\xc2", data):
        return True
    left: set[tuple[int, int]] = set()
    # Byte 255 of coded picture data is followed by 0 or a restart mark, so what is found here are segments.
    for found in re.finditer(rb"\xff([\xc2\xda])", data):
        body = data[found.end() + 2 : found.end() + int.from_bytes(data[found.end() : found.end() + 2])]
        if found[1] == b"\xc2" and len(body) >= 6:
            left = {(component, k) for component in body[6::3] for k in range(64)}
        elif found[1] == b"\xda" and body and len(body) == 4 + 2 * body[0]:
            first, last, precision = body[-3:]
            if precision & 15 == 0:
                left -= {(component, k) for component in body[1:-3:2] for k in range(first, last + 1)}
    return not left


# --- AVIF, HEIC -----------------------------------------------------------------------------------------------------------


def colour_code(data: bytes) -> tuple[int, int] | None:
    """Primaries and transfer that an AVIF or HEIC file names by number, where it has no profile."""
    place = data.find(b"colrnclx", 0, 1 << 16)
    if place < 0 or data.find(b"colrprof", 0, 1 << 16) >= 0 or data.find(b"colrrICC", 0, 1 << 16) >= 0:
        return None
    return int.from_bytes(data[place + 8 : place + 10]), int.from_bytes(data[place + 10 : place + 12])


def turns_itself(data: bytes) -> bool:
    """Whether a HEIC file names its orientation in the format's own way; that in its EXIF part then is a copy."""
    return any(data.find(name, 0, 1 << 16) >= 0 for name in (b"irot", b"imir"))


def register_heif() -> None:
    """Let Pillow read HEIC; the library is loaded for the first such file."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def is_cut_off(error: Exception) -> bool:
    """Whether Pillow gave up because a file ends too early."""
    return isinstance(error, OSError) and "truncated" in str(error) and not ImageFile.LOAD_TRUNCATED_IMAGES
