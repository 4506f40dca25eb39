"""A search that runs, or has run: its line and buttons, the charts that grow, the held-out report."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from vislrp_core.errors import VisLRPError
from vislrp_core.measures import MEASURES
from vislrp_core.network import Network
from vislrp_core.search.ready import ready_models
from vislrp_ui import session, state_search, theme
from vislrp_ui.search import budget, chart, pictures
from vislrp_ui.search.edits import change, changing, job
from vislrp_ui.search.found import KeptSearch
from vislrp_ui.search.job import elsewhere
from vislrp_ui.shared import literal, measuring, terms, widgets
from vislrp_ui.shared.charts import draw
from vislrp_ui.shared.literal import escaped

CHART = "search-chart"
BUSY = "Another search of this visit is running; one runs at a time."
AWAY = "This search runs in another tab or window: this is how far it is."


def other() -> None:
    """While the visit shows none, or another one: a line about one that runs all the same."""
    work = job()
    if work.progress.running and work.kept is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="search-other"):
            st.caption("A search of this visit is running; one runs at a time.", width="content")
            st.button(
                "Show it",
                icon=":material/visibility:",
                type="tertiary",
                key="search-show",
                on_click=change,
                args=(state_search.begin, work.kept.id),
            )


def head(network: Network, kept: KeptSearch) -> None:
    """What is searched, how far it is, and the buttons."""
    work = job()
    own = work.kept is not None and work.kept.id == kept.id
    running = own and work.progress.running
    busy = work.progress.running and not own
    away = elsewhere(kept.id, work)
    done = sum(one.state == "complete" for one in kept.trials)
    names = ", ".join(terms.marked(key, MEASURES[key].title) for key in kept.objectives)
    held = round(pictures.HOLDOUT * len(kept.images))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="search-line"):
        st.html(
            f'<div class="v-search-head"><h2 class="v-head">{names}</h2><span class="v-muted">{len(kept.trials)} of '
            f"{kept.wanted} models tried, {done} measured in full on {counted(len(kept.images) - held)}; "
            f"{held} put aside</span></div>",
            width="stretch",
        )
        why = "" if running else BUSY if busy else _cannot(network, kept, away)
        _more(kept, running, why)
        if busy:  # its own buttons would stop the other one
            st.button("Go on", icon=":material/play_arrow:", key="search-go-on-later", disabled=True, help=why)
        else:
            measuring.buttons(
                work,
                "search-go-on",
                lambda: go_on(network, kept),
                stop="search-stop",
                disabled=bool(why),
                label="Go on",
                stop_help="Stop searching; what was tried stays",
                help=why or "Further models, within the minutes beside this button",
            )
        found = any(not one.ready and one.state == "complete" for one in kept.trials)
        fresh = kept.report is None or kept.report.trials < len(kept.trials)
        if (
            not running
            and found
            and fresh
            and widgets.pressed(
                "Compare now",
                icon=":material/fact_check:",
                key="search-compare-now",
                disabled=away or busy or bool(_lacks(network, kept)),
                help="Measure what was found on the pictures that were put aside, without further models",
            )
        ):
            go_on(network, kept, trials=False)
            widgets.answered("search-compare-now")
            st.rerun()
        st.button(
            "New search",
            icon=":material/add:",
            type="tertiary",
            key="search-new",
            on_click=_leave,
            help="Back to pictures, objectives and space; this search stops. Its address opens it again",
        )
    if running:
        measuring.progress_line(work.progress, _sentence(kept))
    elif away:
        st.caption(AWAY)
    elif kept.message:
        literal.warning(kept.message, icon=":material/info:")
    if busy:
        other()
    elif why and not away and kept.state != "done":
        st.caption(why)


def _sentence(kept: KeptSearch) -> str:
    work = job()
    if work.comparing:
        return f"Comparing on the pictures that were put aside: {100 * work.progress.share:.0f}\u202f%"
    rate = work.rate()
    pace = f"{rate:.1f} models a minute, " if rate is not None else ""
    what = "Ready-made models first" if len(kept.trials) < _ready(kept) else "Searching"
    return f"{what}: {pace}at most {budget.duration(work.left())} left"


def _ready(kept: KeptSearch) -> int:
    known = len(ready_models(kept.space.architecture))
    return min(known, kept.wanted // 2 if kept.ready is None else kept.ready)


def _lacks(network: Network, kept: KeptSearch) -> str:
    """Why nothing more can be measured for a search; empty if it can."""
    if kept.network != network.digest:
        return f"It searches with {kept.title}: let that network run to go on."
    if lost := pictures.missing(kept.images):
        return f"{len(lost)} of its pictures are not in this visit: bring them again, or begin a new search, to go on."
    return "" if budget.limit() else budget.OFF


def _cannot(network: Network, kept: KeptSearch, away: bool) -> str:
    if away:
        return AWAY
    if why := _lacks(network, kept):
        return why
    if not budget.minutes_left(kept.used):
        return f"A search may take {budget.limit()} minutes on this server, and this one has taken them: begin a new one."
    if len(kept.trials) >= _wanted(kept):
        return f"All {len(kept.trials)} models are tried: raise their number to go on."
    return ""


def _wanted(kept: KeptSearch) -> int:
    """How many models going on tries."""
    return max(kept.wanted, state_search.of(session.get_visit()).trials)


def _more(kept: KeptSearch, running: bool, why: str) -> None:
    """What going on may take."""
    most = budget.minutes_left(kept.used)
    if running or not most:
        return
    asked = state_search.of(session.get_visit())
    for name, label, value, low, high, reducer in (
        ("more-minutes", "Minutes more", min(asked.minutes, most), 1, most, state_search.set_minutes),
        (
            "more-trials",
            "Models in all",
            max(asked.trials, kept.wanted),
            kept.wanted,
            state_search.MAX_TRIALS,
            state_search.set_trials,
        ),
    ):
        key = widgets.mirror(f"search-{name}", value, low, high)
        with st.container(width=118):
            st.number_input(label, low, high, key=key, step=1, on_change=changing(key, reducer))


def go_on(network: Network, kept: KeptSearch, *, trials: bool = True) -> None:
    """Continue a search where it is; or compare what it found."""
    asked = state_search.of(session.get_visit())
    minutes = kept.used / 60 + min(asked.minutes, budget.minutes_left(kept.used))
    # With more models as many ready-made ones come first as before.
    more = replace(kept, minutes=minutes, wanted=_wanted(kept), ready=_ready(kept)) if trials else kept
    try:
        plan = pictures.plan_of(more)
    except VisLRPError as error:
        session.notify(str(error))
        return
    if not job().start(more, network, plan, trials=trials):
        session.notify("One search runs at a time: wait for the other one, or stop it.")


def _leave() -> None:
    work = job()
    if work.kept is not None and work.kept.id == state_search.of(session.get_visit()).id:  # another one goes on
        work.stop()
    change(state_search.leave)


# --- charts -------------------------------------------------------------------------------------------------------------


def charts(kept: KeptSearch) -> None:
    """Values of all that was tried, and how the best one grew."""
    if not any(one.state == "complete" for one in kept.trials):
        st.html('<div class="v-search-empty v-muted">The first points come when the first models are measured.</div>')
        return
    asked = state_search.of(session.get_visit())
    drawn = chart.chart(kept, asked.selected, theme.is_dark())
    draw(drawn, CHART, on_select=_pick, words=chart.words(kept))
    if len(kept.objectives) > 1:
        draw(chart.history_chart(kept, theme.is_dark()), "search-history", words="The best value after each trial.")
    beside = ", ".join(kept.references or ())
    st.caption(
        ("The line is the best value so far. " if len(kept.objectives) == 1 else "")
        + (f"Baselines: {beside}. " if beside else "")
        + "Values on the search pictures are the best of many, and therefore too good: the pictures put aside decide. "
        "A click on a point shows its map."
    )


def _pick() -> None:
    number = chart.trial_of(st.session_state[CHART])
    if number is not None:
        change(state_search.select, number)


# --- the held-out result ------------------------------------------------------------------------------------------------


def report(kept: KeptSearch) -> None:
    """The conclusion, the table, what mattered."""
    if kept.report is None:
        return
    held = round(pictures.HOLDOUT * len(kept.images))
    with st.container(key="search-report"):
        st.html(f'<h2 class="v-head">On {counted(held)} that no trial saw</h2>')
        for sentence in kept.report.sentences:
            st.markdown(escaped(sentence))
        st.dataframe(table(kept), hide_index=True, width="stretch", key="search-table")
        st.caption(
            "Mean [95 % interval, bootstrap over pictures]; gain over the best ready-made model on the search pictures, "
            "positive is better, with the interval of the paired difference."
        )
        if kept.report.importance:
            st.html(f'<h2 class="v-head">What matters for {MEASURES[kept.objectives[0]].title}</h2>')
            draw(
                chart.importance_chart(kept.report.importance, theme.is_dark()),
                "search-importance",
                words=", ".join(f"{name} {share:.0%}" for name, share in kept.report.importance.items()),
            )
            st.caption("Shares of what sets the best tenth of the models apart (PED-ANOVA, Optuna).")


def counted(pictures: int) -> str:
    """A number of pictures in words."""
    return f"{pictures} picture{'s' * (pictures != 1)}"


def table(kept: KeptSearch) -> pd.DataFrame:
    """The held-out values, one row for each model."""
    assert kept.report is not None
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for name, kind, file, objective, _, mean, low, high, gain, gain_low, gain_high in kept.report.rows:
        title = MEASURES[objective].title
        own = rows.setdefault((name, kind, file), {"Model": name, "Kind": "found" if kind == "found" else "ready-made"})
        own[title] = _interval(mean, low, high)
        own[f"Gain, {title}"] = _interval(gain, gain_low, gain_high, signed=True)
    return pd.DataFrame(list(rows.values()))


def _interval(mean: float | None, low: float | None, high: float | None, signed: bool = False) -> str:
    if mean is None or low is None or high is None:
        return "–"
    form = "{:+.3f}" if signed else "{:.3f}"
    return f"{form} [{form}, {form}]".format(mean, low, high).replace("-", "−")
