"""Where the pictures of a plan come from: the rows shown, the samples, or pictures brought for this visit."""

from __future__ import annotations

import hashlib

import streamlit as st

from vislrp_core.baselines import Baseline
from vislrp_core.experiments import Picture
from vislrp_core.images import ImageError, read_image
from vislrp_ui import session
from vislrp_ui.compare.evidence.job import EvidenceJob
from vislrp_ui.compare.evidence.plan import EvidenceSubject, Plan, explainers, unlike, values
from vislrp_ui.compare.work import Grid
from vislrp_ui.evidence import Evidence
from vislrp_ui.samples import samples
from vislrp_ui.shared import widgets
from vislrp_ui.shared.turns import HeldPicture, Maps, sample_picture
from vislrp_ui.state import ImageRef
from vislrp_ui.uploads import Upload, reduce

MAX_OWN = 50
"""Pictures of an own set."""
_OWN = "_evidence_own"


def own_set() -> dict[str, tuple[str, Upload]]:
    """Pictures brought for this visit: title and picture by their hash."""
    kept: dict[str, tuple[str, Upload]] = st.session_state.setdefault(_OWN, {})
    return kept


def adopt(job: EvidenceJob) -> None:
    """After a reload the pictures of a set come back with the job that measures them."""
    if not own_set():
        own_set().update({one.upload.id: (one.title, one.upload) for one in job.subjects if one.upload is not None})


def take_pictures(key: str) -> None:
    """Callback of the uploader: keep what the network sees of each; what is not a picture gets its sentence."""
    kept, refused = own_set(), []
    for file in st.session_state[key] or ():
        if len(kept) >= MAX_OWN:
            refused.append(f"The set holds {MAX_OWN} pictures: {file.name} and what follows is left out.")
            break
        try:
            upload = reduce(read_image(file.getvalue()))
            kept.setdefault(upload.id, (file.name[:60], upload))
        except ImageError as error:
            refused.append(f"{file.name[:60]}: {error}")
    for sentence in refused:
        session.notify(sentence)
    st.session_state["_evidence_generation"] = st.session_state.get("_evidence_generation", 0) + 1


def forget_pictures() -> None:
    """Callback: an empty set."""
    own_set().clear()
    st.session_state.pop("_evidence_mosaics", None)


def _row_picture(ref: ImageRef) -> Picture:
    if ref.kind == "sample":
        return sample_picture(ref.id, ref.fit)
    data = session.upload(ref) or b""
    return HeldPicture(ref.id, hashlib.sha256(data).hexdigest(), ref.fit, data)


def plan_of(grid: Grid, shown: Evidence) -> Plan:
    """What the settings ask for."""
    network = grid.network
    found: list[EvidenceSubject] = []
    if shown.over == "rows":
        titles = unlike([f"{widgets.image_title(row.image)} · {network.classes[grid.targets[row.id]]}" for row in grid.rows])
        found = [
            EvidenceSubject(title, _row_picture(row.image), str(grid.targets[row.id]), row.id, row.image)
            for title, row in zip(titles, grid.rows, strict=True)
        ]
    elif shown.over == "samples":
        found = [
            EvidenceSubject(one.title, sample_picture(one.id, "crop"), ref=ImageRef("sample", one.id))
            for one in samples().values()
        ]
    else:
        kept = list(own_set().values())
        titles = unlike([title for title, _ in kept])
        found = [
            EvidenceSubject(title, HeldPicture(upload.id, upload.id, "crop", upload.crop), upload=upload)
            for title, (_, upload) in zip(titles, kept, strict=True)
        ]
    columns = {entry.model.key for entry in grid.entries}
    models = explainers(
        [(entry.name, entry.model) for entry in grid.entries],
        [key for key in shown.baselines if Baseline(key).key not in columns],
    )
    return Plan(network, tuple(found), models, shown)


def maps_of(grid: Grid, plan: Plan) -> Maps:
    """Maps of the grid that are at hand, as the job takes them."""
    pictures = {one.row: one.picture for one in plan.subjects if one.row is not None}
    return {
        (pictures[place.row.id], place.entry.model.key, place.target): place.values
        for place in grid.places.values()
        if place.row.id in pictures and place.values is not None
    }


def fill_free(grid: Grid, plan: Plan) -> None:
    """Measures that need the map alone, of the maps that the grid has: they are there at once."""
    from vislrp_core import metrics
    from vislrp_core.measures import box_mass, pointing

    maps = maps_of(grid, plan)
    for key, task in plan.missing(("gini", "entropy", "box_mass", "pointing")).items():
        if not task.settings.target.isdigit():
            continue
        target = int(task.settings.target)
        held = maps.get((task.picture, task.model.key, target))
        if held is None:
            continue
        exact = held.astype("float64")
        seen = [box.seen(task.size_of_picture, len(exact), task.picture.fit) for box in task.boxes]
        if key[2] in ("gini", "entropy"):
            value = {"gini": metrics.gini, "entropy": metrics.entropy}[key[2]](exact)
        else:
            value = {"box_mass": box_mass, "pointing": pointing}[key[2]](exact, seen)
        values.put(plan.keys[key], {"target": target, "value": value, "seconds": 0.0})
