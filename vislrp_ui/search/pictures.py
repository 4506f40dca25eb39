"""The pictures of a search: samples, and uploads that this visit holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from vislrp_core.experiments import Picture
from vislrp_core.measures import Settings
from vislrp_core.search.trials import SearchPicture, SearchPlan, split
from vislrp_ui import session
from vislrp_ui.samples import samples
from vislrp_ui.search.found import KeptSearch
from vislrp_ui.shared.turns import HeldPicture, sample_picture
from vislrp_ui.state import ImageRef
from vislrp_ui.state_search import UPLOAD

HOLDOUT = 0.5


def known() -> dict[str, str]:
    """Pictures that can be chosen, with their titles."""
    titles = session.exchange().titles
    own = {UPLOAD + id: titles.get(id) or f"Your image {place}" for place, id in enumerate(session.upload_names(), start=1)}
    return {**{one.id: one.title for one in samples().values()}, **own}


def chosen(images: tuple[str, ...] | None) -> tuple[str, ...]:
    """Those of a state that can be chosen; None is all samples."""
    return tuple(samples()) if images is None else tuple(one for one in images if one in known())


def ref(image: str) -> ImageRef:
    """As other pages name it."""
    return ImageRef("upload", image.removeprefix(UPLOAD)) if image.startswith(UPLOAD) else ImageRef("sample", image)


def picture(image: str) -> Picture | None:
    """As measures take it; None where it is not here."""
    if not image.startswith(UPLOAD):
        return sample_picture(image) if image in samples() else None
    data = session.upload(ref(image))
    return None if data is None else HeldPicture(image, hashlib.sha256(data).hexdigest(), "crop", data)


def missing(images: Iterable[str]) -> tuple[str, ...]:
    """Pictures that this visit, or this server, does not hold."""
    return tuple(one for one in images if picture(one) is None)


def plan_of(kept: KeptSearch) -> SearchPlan:
    """What is searched.

    Raises
    ------
    InputError
        There are too few pictures, or objectives that these do not allow; one sentence.
    """
    found = [SearchPicture(one) for image in kept.images if (one := picture(image)) is not None]
    searched, held = split(found, HOLDOUT, kept.seed)
    return SearchPlan(
        searched, held, kept.objectives, kept.space, kept.wanted, kept.seed, settings(kept.seed), ready=kept.ready
    )


def settings(seed: int) -> Settings:
    """Of the measures: those of the command `vislrp search`."""
    return Settings(seed=seed)
