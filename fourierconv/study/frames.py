"""What notebooks hold: the runs they ask for as data frames, with the words that say where the numbers come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from fourierconv.study import tables
from fourierconv.study.figures.style import LOOKS
from fourierconv.study.provenance import readable
from fourierconv.study.store import Experiment, Result, Store, StudyError, build_folder
from fourierconv.study.sweep import run_missing

COLUMN = 84  # least width of a table's column in pixels: two neighbours stay apart


@dataclass(frozen=True)
class Runs:
    """The finished runs of a sweep.

    Attributes:
        rows: the tidy rows, in the order of the sweep's configs.
        results: the runs behind them, in the same order.
        store: where they and their weights are kept.
        profile: 'quick' or 'full'.
        banner: what here is not the profile's own, '' where all of it is.
        whole: whether this is exactly the profile's sweep.
    """

    rows: pd.DataFrame
    results: list[Result]
    store: Store
    profile: str
    banner: str
    whole: bool

    @property
    def note(self) -> str:
        """Profile, seeds, time and hardware, for every figure and table."""
        seeds = sorted({run.config.seed for run in self.results})
        drawn = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
        time = readable(sum(run.provenance["duration_s"] for run in self.results))
        number = f"{len(self.results)} runs in {time} of one core"
        return f"Profile {self.profile}, {drawn}, {number} on {hardware(self.results)}."

    def of_seed(self, seed: int) -> Runs:
        """Return the runs of one seed. Raises StudyError for a seed that these do not have, naming theirs."""
        seeds = sorted({run.config.seed for run in self.results})
        if seed not in seeds:
            raise StudyError(f"seed={seed} is not among the seeds of these runs: {', '.join(map(str, seeds))}")
        results = [run for run in self.results if run.config.seed == seed]
        rows = self.rows[self.rows["seed"] == seed]
        return Runs(rows, results, self.store, self.profile, self.banner, whole=False)

    def history(self) -> pd.DataFrame:
        """One row per run and epoch: the run's config and what the epoch recorded."""
        return pd.DataFrame([{**asdict(run.config), **entry} for run in self.results for entry in run.history])

    def stamp(self, figure: Figure) -> Figure:
        """Write note and banner on a figure; returns the figure."""
        figure.supxlabel(self.note, x=0.01, ha="left", fontsize=9, color="#555555")
        if self.banner:
            figure.suptitle(self.banner, x=0.01, ha="left", fontsize=9, color="#b00020", weight="bold")
        return figure

    def table(self, frame: pd.DataFrame, digits: int = 2) -> HTML:
        """Show a frame under its note and banner; contenders appear under their names, floats with `digits`."""
        named = (frame.reset_index() if frame.index.name else frame).rename(columns=label).rename_axis(columns=None)
        if "method" in named:
            named["method"] = named["method"].map(label)
        numbers = f"{{:.{digits}f}}".format
        body = named.to_html(index=False, border=0, escape=False, col_space=COLUMN, float_format=numbers)
        caption = " · ".join(filter(None, (self.banner and f"<strong>{self.banner}</strong>", self.note)))
        return HTML(f"{body}\n<p><small>{caption}</small></p>")


def runs(experiment: Experiment, profile: str, store: Store | None = None, **overrides: Any) -> Runs:
    """Run what is missing of a profile's sweep, and nothing else, and return all of it.

    Args:
        experiment: a module of `fourierconv.study.experiments`.
        profile: 'quick' or 'full'.
        store: of finished runs; by default the one in the build folder.
        overrides: arguments of the experiment's `configs`; None stands for the profile's own value.

    Raises:
        StudyError: what `configs` refuses, no run at all, a single seed, or runs that failed.

    >>> from fourierconv.study.experiments import image_size
    >>> runs(image_size, "quick", sizes=[32], seeds=1)
    Traceback (most recent call last):
    fourierconv.study.store.StudyError: seeds=1 must be at least 2: an interval needs two runs of everything
    """
    asked = {name: value for name, value in overrides.items() if value is not None}
    configs: Sequence[Any] = list(dict.fromkeys(experiment.configs(profile, **asked)))  # a size given twice is one
    count = len({config.seed for config in configs})
    if not configs:
        raise StudyError(f"{_listed(asked, asked)} asks for no run: give at least one of each")
    if count < 2:
        raise StudyError(f"seeds={count} must be at least 2: an interval needs two runs of everything")
    store = store or Store(build_folder() / "runs")
    results = run_missing(experiment, configs, store)
    rows = [row for result in results for row in tables.tidy(experiment, profile, [result])]
    banner = _banner(experiment, profile, configs, asked)
    whole = set(configs) == set(experiment.configs(profile))
    return Runs(pd.DataFrame(rows), results, store, profile, banner, whole)


def hardware(results: Sequence[Result]) -> str:
    """Return the processors or devices that results were computed on, and the torch that computed them."""
    devices = {run.provenance["cpu" if run.provenance["device"] == "cpu" else "device"] for run in results}
    torches = {f"torch {run.provenance['torch']}" for run in results}
    return ", ".join([*sorted(devices), *sorted(torches)])


def _banner(experiment: Experiment, profile: str, configs: Sequence[Any], asked: dict[str, Any]) -> str:
    own = set(experiment.configs(profile))
    foreign = set(configs) - own
    if not foreign:
        return ""
    wider = [name for name, value in asked.items() if set(experiment.configs(profile, **{name: value})) - own]
    added = f"{len(foreign)} of {len(configs)} runs were added by {_listed(wider, asked)}"
    return f"Not the {profile} profile's own: {added}."


def _listed(names: Iterable[str], asked: dict[str, Any]) -> str:
    return ", ".join(f"{name}={asked[name]}" for name in names)


def label(name: Any) -> Any:
    """Return the name that a contender has in the book; anything else as it is.

    >>> label("scaled_layer"), label("size")
    ('scaled, per layer', 'size')
    """
    return LOOKS[name].label if isinstance(name, str) and name in LOOKS else name
