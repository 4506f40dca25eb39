"""Colour spectra of heatmaps: stops from the most negative value over the neutral zero to the most positive one.

Blue-red, orange-purple and brown-teal follow ColorBrewer's RdBu, PuOr and BrBG (Harrower and Brewer 2003)
with a pure white zero; their dark twins are made for a dark page, where the strongest relevance is the
lightest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vislrp_core.errors import InputError

LEVELS = 1023  # odd, so that zero has an entry of its own in the table of colours


@dataclass(frozen=True)
class Spectrum:
    """One colour spectrum.

    Attributes
    ----------
    title : str
        Name on screen.
    light, dark : tuple of str
        Stops as #RRGGBB for the light and for the dark page, evenly spaced, interpolated linearly in sRGB.
    colour_blind_safe : bool
        Both signs differ under protan, deutan and tritan vision.
    diverging : bool
        True: from -limit over 0 to +limit; False: from 0 to limit (activations).
    """

    title: str
    light: tuple[str, ...]
    dark: tuple[str, ...]
    colour_blind_safe: bool
    diverging: bool = True

    def stops(self, dark: bool = False) -> tuple[str, ...]:
        """Colours on the light or on the dark page."""
        return self.dark if dark else self.light

    def neutral(self, dark: bool = False) -> str:
        """The colour of zero."""
        stops = self.stops(dark)
        return stops[len(stops) // 2] if self.diverging else stops[0]


def _stops(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SPECTRA: dict[str, Spectrum] = {
    "blue-white-red": Spectrum(
        "Blue, white, red",
        _stops("#08306B #2166AC #4393C3 #92C5DE #D1E5F0 #FFFFFF #FDDBC7 #F4A582 #D6604D #B2182B #67001F"),
        _stops("#B5DBFF #6DB3F2 #3A86D0 #235C98 #1A3855 #161B21 #4D2323 #8E3430 #D0533F #F48A66 #FFD0B0"),
        colour_blind_safe=True,
    ),
    "orange-white-purple": Spectrum(
        "Orange, white, purple",
        _stops("#7F3B08 #B35806 #E08214 #FDB863 #FEE0B6 #FFFFFF #D8DAEB #B2ABD2 #8073AC #542788 #2D004B"),
        _stops("#FFE0B8 #F7B25E #D18423 #8F5A1A #4A331A #161B21 #2F2A47 #564B86 #8678C2 #B5AAE3 #E3DDFB"),
        colour_blind_safe=True,
    ),
    "brown-white-teal": Spectrum(
        "Brown, white, teal",
        _stops("#543005 #8C510A #BF812D #DFC27D #F6E8C3 #FFFFFF #C7EAE5 #80CDC1 #35978F #01665E #003C30"),
        _stops("#F8E3BC #DDB36A #B5853A #7D5A25 #43331E #161B21 #14393A #17605C #2A9187 #72C9BD #C9F2EA"),
        colour_blind_safe=True,
    ),
    "cyan-black-amber": Spectrum(
        "Cyan, black, amber (dark)",
        _stops("#D6F8FF #7FDBF2 #35ADCF #1B7393 #123F52 #0C0F13 #4A3212 #8A5B12 #CC8A17 #F4BE4F #FFEDC2"),
        _stops("#D6F8FF #7FDBF2 #35ADCF #1B7393 #123F52 #161B21 #4A3212 #8A5B12 #CC8A17 #F4BE4F #FFEDC2"),
        colour_blind_safe=True,
    ),
}
DEFAULT_SPECTRUM = "blue-white-red"
ACTIVATION = Spectrum("Activation", ("#FFFFFF", "#1B2430"), ("#161B21", "#EBF0F5"), colour_blind_safe=True, diverging=False)


def find_spectrum(spectrum: str | Spectrum) -> Spectrum:
    """The spectrum of a key of `SPECTRA`, or of "activation".

    Raises
    ------
    InputError
        Unknown key; the sentence lists the known ones.
    """
    if isinstance(spectrum, Spectrum):
        return spectrum
    if spectrum == "activation":
        return ACTIVATION
    if spectrum not in SPECTRA:
        raise InputError(f'spectrum: must be one of {", ".join([*SPECTRA, "activation"])}, got "{spectrum}"')
    return SPECTRA[spectrum]


def rgb(colour: str) -> tuple[int, int, int]:
    """(red, green, blue) of #RRGGBB."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


@lru_cache(maxsize=32)
def table(spectrum: Spectrum, dark: bool = False) -> NDArray[np.uint8]:
    """`LEVELS` colours (LEVELS, 3) from the first to the last stop; a diverging spectrum has zero in the middle."""
    stops = np.array([rgb(stop) for stop in spectrum.stops(dark)], dtype=np.float64)
    positions = np.linspace(0, len(stops) - 1, LEVELS)
    channels = [np.interp(positions, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    colours = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    colours.flags.writeable = False
    return colours
