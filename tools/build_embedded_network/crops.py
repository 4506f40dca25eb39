"""Crops from pictures: the same number always gives the same crop.

Training crops are strongly varied (scale, colour, rotation, two pictures in one, cut-outs on photographs), for the number of
different pictures is what limits the network. Crops for measuring are plain.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from .sources import Picture

SIZE = 224
_LONGEST = 720  # pictures are kept at this size in memory


@dataclass(frozen=True)
class Crop:
    """A crop: RGB picture of 224 x 224, number of the picture it shows and whether it is from a photograph alone."""

    image: Image.Image
    picture: int
    photo: bool


class CropMaker:
    """Makes crops of a list of pictures.

    Parameters
    ----------
    pictures : list of Picture
        All pictures; training crops use those not held out, crops for measuring those held out.
    seed : int
        Seed of everything random.
    """

    def __init__(self, pictures: list[Picture], seed: int = 0) -> None:
        self.pictures, self.seed = pictures, seed
        self._load = functools.lru_cache(maxsize=2000)(self._load_uncached)
        self._numbers: dict[tuple[str, bool], np.ndarray] = {}
        self._weights: dict[tuple[str, bool], np.ndarray] = {}
        for kind in ("photo", "cutout", "art"):
            for held_out in (False, True):
                chosen = [i for i, p in enumerate(pictures) if p.kind == kind and p.held_out == held_out]
                weights = np.array([pictures[i].weight for i in chosen], dtype=float)
                self._numbers[kind, held_out] = np.array(chosen, dtype=int)
                self._weights[kind, held_out] = weights / weights.sum() if len(chosen) else weights

    def training_crop(self, number: int) -> Crop:
        """The training crop of that number, of any of the pictures that are not held out."""
        rng = np.random.default_rng([self.seed, 1, number])
        kind = self._draw_kind(rng)
        if kind == "cutout":
            index, image = self._composite(rng, held_out=False)
            image = random_crop(image, rng, smallest=0.45)
        else:
            index = self._draw(kind, False, rng)
            image = random_crop(self._load(index), rng, smallest=0.1 if kind == "photo" else 0.4)
            if kind == "photo" and rng.random() < 0.12:
                other = random_crop(self._load(self._draw("photo", False, rng)), rng, smallest=0.3)
                image = side_by_side(image, other, rng)
        return Crop(vary(image, rng), index, kind == "photo")

    def measuring_count(self) -> int:
        """Number of crops for measuring: three of each photograph, two of each other picture held out."""
        return len(self._measuring())

    def measuring_crop(self, number: int) -> Crop:
        """A crop for measuring: first the usual centre crop, then random crops of at least 0.35 of the area."""
        index, variant = self._measuring()[number]
        rng = np.random.default_rng([self.seed, 2, number])
        picture = self.pictures[index]
        if picture.kind == "cutout":
            _, image = self._composite(rng, held_out=True, index=index, single=True)
            return Crop(centre_crop(image), index, False)
        image = self._load(index)
        crop = centre_crop(image) if variant == 0 else random_crop(image, rng, smallest=0.35)
        return Crop(crop, index, picture.kind == "photo")

    def _measuring(self) -> list[tuple[int, int]]:
        return [
            (i, variant)
            for i, picture in enumerate(self.pictures)
            if picture.held_out
            for variant in range(3 if picture.kind == "photo" else 2)
        ]

    def _draw_kind(self, rng: np.random.Generator) -> str:
        chance = {"photo": 0.63, "cutout": 0.30, "art": 0.07}
        kinds = [kind for kind in chance if len(self._numbers[kind, False])]
        total = sum(chance[kind] for kind in kinds)
        return str(rng.choice(kinds, p=[chance[kind] / total for kind in kinds]))

    def _draw(self, kind: str, held_out: bool, rng: np.random.Generator) -> int:
        return int(rng.choice(self._numbers[kind, held_out], p=self._weights[kind, held_out]))

    def _composite(
        self, rng: np.random.Generator, held_out: bool, index: int | None = None, single: bool = False
    ) -> tuple[int, Image.Image]:
        """One or two cut-outs on a photograph or a plain colour."""
        if index is None:
            index = self._draw("cutout", held_out, rng)
        side = 320
        if len(self._numbers["photo", held_out]) and rng.random() < 0.75:
            background = random_crop(self._load(self._draw("photo", held_out, rng)), rng, 0.3, side)
            if rng.random() < 0.4:
                background = background.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 6))))
        else:
            background = Image.new("RGB", (side, side), tuple(int(v) for v in rng.integers(0, 256, 3)))
        objects = [index]
        if not single and rng.random() < 0.3:
            objects.append(self._draw("cutout", held_out, rng))
        for item in objects:
            cutout = self._load(item)
            share = rng.uniform(0.55, 0.98) if len(objects) == 1 else rng.uniform(0.4, 0.7)
            factor = share * side / max(cutout.size)
            size = (max(8, round(cutout.width * factor)), max(8, round(cutout.height * factor)))
            cutout = cutout.resize(size, Image.Resampling.BICUBIC)
            if rng.random() < 0.5:
                cutout = ImageOps.mirror(cutout)
            x, y = (int(rng.integers(0, side - s + 1)) for s in size)
            background.paste(cutout, (x, y), cutout)
        return index, background

    def _load_uncached(self, index: int) -> Image.Image:
        picture = self.pictures[index]
        with Image.open(picture.path) as image:
            image.draft("RGB", (_LONGEST, _LONGEST))
            image = ImageOps.exif_transpose(image).convert("RGBA")
        image.thumbnail((_LONGEST, _LONGEST), Image.Resampling.BICUBIC)
        if picture.kind == "cutout":
            box = image.getchannel("A").getbbox()
            return image.crop(box) if box else image
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")


def centre_crop(image: Image.Image) -> Image.Image:
    """Resize the shorter side to 256 and cut the middle 224 x 224, as ImageNet networks are tested."""
    factor = 256 / min(image.size)
    size = (round(image.width * factor), round(image.height * factor))
    image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (image.width - SIZE) // 2, (image.height - SIZE) // 2
    return image.crop((left, top, left + SIZE, top + SIZE))


def random_crop(image: Image.Image, rng: np.random.Generator, smallest: float, side: int = SIZE) -> Image.Image:
    """Cut a random part of at least the share ``smallest`` of the area and resize it to ``side`` x ``side``."""
    width, height = image.size
    area = width * height * float(np.exp(rng.uniform(np.log(smallest), 0)))
    ratio = float(np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3))))
    w = int(min(width, max(1, round((area * ratio) ** 0.5))))
    h = int(min(height, max(1, round((area / ratio) ** 0.5))))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    return image.resize((side, side), Image.Resampling.BICUBIC, (x, y, x + w, y + h))


def side_by_side(first: Image.Image, second: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cover a part of the first crop, from one edge, with the second."""
    cut = int(rng.uniform(0.35, 0.65) * SIZE)
    box = (cut, 0, SIZE, SIZE) if rng.random() < 0.5 else (0, cut, SIZE, SIZE)
    first = first.copy()
    first.paste(second.resize((box[2] - box[0], box[3] - box[1])), box[:2])
    return first


def vary(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Mirror, turn, colour, blur at random."""
    if rng.random() < 0.5:
        image = ImageOps.mirror(image)
    if rng.random() < 0.25:
        large = image.resize((SIZE * 5 // 4,) * 2, Image.Resampling.BICUBIC)
        large = large.rotate(float(rng.uniform(-15, 15)), Image.Resampling.BICUBIC)
        margin = (large.width - SIZE) // 2
        image = large.crop((margin, margin, margin + SIZE, margin + SIZE))
    if rng.random() < 0.7:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            image = enhance(image).enhance(float(rng.uniform(0.65, 1.35)))
    if rng.random() < 0.15:
        channels = np.asarray(image, dtype=float) * rng.uniform(0.75, 1.2, 3)
        image = Image.fromarray(np.clip(channels, 0, 255).astype(np.uint8))
    if rng.random() < 0.05:
        image = image.convert("L").convert("RGB")
    if rng.random() < 0.08:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 1.8))))
    return image
