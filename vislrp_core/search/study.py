"""Optuna as a function: what it suggests for a trial follows from the space, the seed and the trials before alone.

Every trial has a sampler with random numbers of its own, so that a search that goes on suggests what one that was never
interrupted would have suggested.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel
from vislrp_core.search.space import Space

if TYPE_CHECKING:
    import optuna


def require() -> Any:
    """Optuna (InputError: it is not installed)."""
    try:
        import optuna
    except ImportError as error:
        raise InputError('search needs Optuna: pip install "vislrp-designer[search]"') from error
    return optuna


class Study:
    """Suggestions for one search.

    Parameters
    ----------
    space : Space
    low_is_better : sequence of bool
        For each objective.
    seed : int

    Notes
    -----
    Tree-structured Parzen estimators (Bergstra et al. 2011), over the groups of parameters that stand together; with
    several objectives the trials are ranked by non-domination (Ozaki et al. 2022). A budget of some 60 trials is little more
    than one generation of NSGA-II.
    """

    def __init__(self, space: Space, low_is_better: Sequence[bool], seed: int) -> None:
        self._optuna = require()
        self._optuna.logging.set_verbosity(self._optuna.logging.ERROR)
        self.space, self.seed = space, seed
        self._directions = ["minimize" if low else "maximize" for low in low_is_better]
        self._study = self._optuna.create_study(storage=self._optuna.storages.InMemoryStorage(), directions=self._directions)
        self._open: dict[int, optuna.Trial] = {}

    def add(self, number: int, model: LRPModel, values: Sequence[float] | None) -> None:
        """A trial that nobody suggested: a ready model with its values, None where it has none.

        It tells the sampler something if it lies in the space.
        """
        trial = self._optuna.trial
        params = self.space.coordinates(model) or {}
        fixed = trial.FixedTrial(params)
        if params:
            self.space.choose(fixed)
        state = trial.TrialState.FAIL if values is None else trial.TrialState.COMPLETE
        self._study.add_trial(
            trial.create_trial(
                state=state,
                values=None if values is None else list(values),
                params=params,
                distributions=fixed.distributions if params else {},
                user_attrs={"number": number, "model": model.name},
            )
        )

    def ask(self, number: int) -> LRPModel:
        """The model of a trial; numbers rise."""
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # multivariate and grouped sampling count as experimental
            self._study.sampler = self._optuna.samplers.TPESampler(
                seed=seed, multivariate=True, group=True, constant_liar=True
            )
        trial = self._study.ask()
        trial.set_user_attr("number", number)
        self._open[number] = trial
        return self.space.choose(trial, name=f"Found {number}")

    def tell(self, number: int, state: str, values: Sequence[float] | None, pictures: int = 0) -> None:
        """What became of a trial.

        Parameters
        ----------
        state : {"complete", "pruned", "failed"}
        values : sequence of float or None
            Of a complete trial; of a pruned one what was measured, or None.
        pictures : int
            On how many pictures a pruned trial was measured.
        """
        trial, states = self._open.pop(number), self._optuna.trial.TrialState
        if state == "complete":
            self._study.tell(trial, list(values or ()))
            return
        if state == "pruned" and values is not None and len(self._directions) == 1:
            trial.report(values[0], pictures)
        self._study.tell(trial, state=states.PRUNED if state == "pruned" else states.FAIL)

    def importance(self) -> Mapping[str, float]:
        """How much each choice that all trials make matters for the first objective.

        Returns
        -------
        mapping
            Shares of what sets the best tenth apart (PED-ANOVA, Watanabe et al. 2023); empty with too few trials.
        """
        optuna = self._optuna
        known = [one for one in self._study.trials if one.state == optuna.trial.TrialState.COMPLETE and one.params]
        if len(known) < 4:
            return {}
        study = optuna.create_study(direction=self._directions[0])
        study.add_trials(
            [
                optuna.trial.create_trial(value=one.values[0], params=one.params, distributions=one.distributions)
                for one in known
            ]
        )
        shared = [name for name in known[0].params if all(name in one.params for one in known)]
        with warnings.catch_warnings(), suppress(ValueError, RuntimeError):
            warnings.simplefilter("ignore")
            found = optuna.importance.get_param_importances(
                study, evaluator=optuna.importance.PedAnovaImportanceEvaluator(), params=shared
            )
            return {name: float(value) for name, value in found.items()}
        return {}

    def save(self, path: Path) -> None:
        """Write all finished trials as a journal that Optuna's own programs open; whole or not at all."""
        journal = self._optuna.storages.journal
        part = path.with_name(f"{path.name}.part")
        part.unlink(missing_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            storage = self._optuna.storages.JournalStorage(
                journal.JournalFileBackend(str(part), lock_obj=journal.JournalFileOpenLock(str(part)))
            )
            copy = self._optuna.create_study(storage=storage, study_name="vislrp search", directions=self._directions)
            copy.add_trials([one for one in self._study.trials if one.state.is_finished()])
        os.replace(part, path)
