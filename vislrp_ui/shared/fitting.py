"""The visit's models follow the running network: what a page needs before it draws anything that counts layers."""

from __future__ import annotations

from vislrp_core.network import NetworkError
from vislrp_ui import running, session, state, state_network
from vislrp_ui.state import Visit


def fit(before: Visit | None = None) -> Visit:
    """Carry the models over where they are of another architecture than the running network, and say so.

    Parameters
    ----------
    before : Visit, optional
        What undo brings back. Without it there is no such step: one that leads to models which are carried over at once
        would be in the way of all steps before it.
    """
    visit = session.get_visit()
    lost = session.take_lost_network()
    if state_network.fits(visit, running.known_rows() or visit.model.plan):
        return visit
    try:
        rows = running.network().architecture
    except NetworkError:
        return visit  # the page shows the error, and nothing that counts layers
    if state_network.fits(visit, rows):
        return visit
    fitted = state_network.adapted(visit, rows, {entry.id: entry.model for entry in session.examples()})
    back = before or (state.choose_network(visit, lost) if lost else None)
    if before is not None or state_network.holds_work(visit):
        fitted = fitted if back is None else state.remember(back, fitted)
        session.notify(
            f"This network is {rows.article} with {rows.last} layers: the models were carried over to it, "
            "block by block." + _way_back(before, visit)
        )
    session.set_visit(fitted)
    return fitted


def _way_back(before: Visit | None, visit: Visit) -> str:
    # An uploaded network that was replaced, or that ended with its visit, must first be uploaded again.
    gone = before is None or before.network == visit.network
    return "" if gone else " Undo on Design brings the models back as they were."


def switch(network: str | None) -> None:
    """Switch to another network."""
    before = session.get_visit()
    session.set_visit(state.choose_network(before, network))
    fit(before)
