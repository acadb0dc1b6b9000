"""What notebooks hold: the runs they ask for as data frames, with the words that say where the numbers come from."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from fourierconv.study import tables
from fourierconv.study.choices import require_known
from fourierconv.study.figures.style import KNOWN
from fourierconv.study.provenance import readable
from fourierconv.study.store import Experiment, Result, Store, StudyError, build_folder, repository_root
from fourierconv.study.sweep import PROFILES, run_missing, sweep_of

LINE = 105  # letters that fit below a figure
TABLE = 560  # pixels, shared by a table's columns as their least width: the page's text is a little wider

WARNING = "#b00020"  # colour of banners, on figures and on light pages
WARNING_ON_DARK = "#ff8a80"


@dataclass(frozen=True)
class Shown:
    """Rows of finished runs, and the words that stand with every figure and table of them.

    Attributes:
        rows: the tidy rows.
        note: profile, seeds, time and hardware.
        banner: what a reader must know first, '' where there is nothing.
    """

    rows: pd.DataFrame
    note: str
    banner: str

    def stamp(self, figure: Figure) -> Figure:
        """Write note and banner on a figure; returns the figure."""
        return stamp(figure, self.note, self.banner)

    def table(self, frame: pd.DataFrame, digits: int = 2) -> HTML:
        """Show a frame under its note and banner; contenders appear under their names, floats with `digits`."""
        return html(frame, self.note, self.banner, digits)


@dataclass(frozen=True)
class Runs(Shown):
    """The finished runs of a sweep; their rows are in the order of its configs, and the banner says what is beyond it.

    Attributes:
        results: the runs behind the rows, in the same order.
        store: where they and their weights are kept.
    """

    results: list[Result]
    store: Store

    def history(self) -> pd.DataFrame:
        """One row per run and epoch: the run's config and what the epoch recorded."""
        return pd.DataFrame([{**asdict(run.config), **entry} for run in self.results for entry in run.history])


def runs(
    experiment: Experiment, profile: str, store: Store | None = None, seed: int | None = None, **overrides: Any
) -> Runs:
    """Run what is missing of a profile's sweep, and nothing else, and return all of it.

    Args:
        experiment: a module of `fourierconv.study.experiments`.
        profile: one of `sweep.PROFILES`; 'quick' stands for one in which the experiment has no runs.
        store: of finished runs; by default the one in the build folder.
        seed: of the only runs that are wanted; by default those of all seeds.
        overrides: arguments of the experiment's `configs`; None stands for the profile's own value.

    Raises:
        StudyError: what `configs` refuses, no run at all, too few seeds for an interval, or runs that failed.

    >>> from fourierconv.study.experiments import image_size
    >>> runs(image_size, "quick", sizes=[32], seeds=1)
    Traceback (most recent call last):
    fourierconv.study.store.StudyError: seeds=1 must be at least 2: an interval needs two runs of everything
    """
    asked = {name: value for name, value in overrides.items() if value is not None}
    profile = profile_of(experiment, profile)
    configs = _configs(experiment, profile, seed, asked)
    store = store or Store(build_folder() / "runs")
    results = run_missing(experiment, configs, store)
    rows = [row for result in results for row in tables.tidy(experiment, profile, [result])]
    given = _listed(asked if seed is None else {**asked, "seed": seed})
    beyond = len(set(configs) - set(experiment.configs(profile)))
    banner = f"Not the {profile} profile's own: {beyond} of {len(configs)} runs are beyond it, with {given}."
    said = note(profile, {run.config.seed for run in results}, [run.provenance for run in results])
    return Runs(pd.DataFrame(rows), said, banner if beyond else "", results, store)


def committed(experiment: Experiment, profile: str) -> Shown:
    """Return the rows of a committed table, contenders in their usual order, whatever this machine has run.

    Raises StudyError for a table that is missing or damaged.
    """
    table = tables.read(experiment, repository_root() / "book" / "results" / profile)
    rows = pd.DataFrame(table.rows)
    places = {name: place for place, name in enumerate(KNOWN)}
    rows = rows.sort_values("method", key=lambda names: names.map(places), kind="stable")
    return Shown(rows, note(profile, set(rows["seed"]), list(tables.runs_of(table.provenance).values())), table.banner)


def note(profile: str, seeds: Collection[int], provenances: Sequence[Mapping[str, Any]]) -> str:
    """Say where runs come from: profile, seeds, time and hardware, and what makes their tables and figures again.

    >>> note("quick", {0}, [{"duration_s": 90.0, "device": "cpu", "cpu": "abacus", "torch": "2.0"}])
    'Profile quick, seed 0, 1 runs in 90 s of one core on abacus, torch 2.0. Made by make reproduce.'
    """
    drawn = f"{len(seeds)} seeds" if len(seeds) > 1 else f"seed {min(seeds)}"
    time = readable(sum(run["duration_s"] for run in provenances))
    number = f"{len(provenances)} runs in {time} of one core"
    return f"Profile {profile}, {drawn}, {number} on {hardware(provenances)}. {command(profile)}"


def profile_of(experiment: Experiment, profile: str) -> str:
    """Return the profile whose runs stand for a profile: 'quick' where the experiment has none of its own.

    Raises StudyError for an unknown profile.

    >>> from fourierconv.study.experiments import own_network
    >>> profile_of(own_network, "full"), profile_of(own_network, "pilot")
    ('full', 'quick')
    """
    require_known("profile", [profile], PROFILES)
    return profile if sweep_of(experiment, profile) else "quick"


def _configs(experiment: Experiment, profile: str, seed: int | None, asked: dict[str, Any]) -> list[Any]:
    if seed is not None:
        if seed < 0:
            raise StudyError(f"seed={seed} must be at least 0")
        asked = {**asked, "seeds": seed + 1}
    wanted: Sequence[Any] = experiment.configs(profile, **asked)
    configs = [config for config in dict.fromkeys(wanted) if seed in (None, config.seed)]  # a size given twice is one
    if not configs:
        raise StudyError(f"{_listed(asked)} asks for no run: give at least one of each")
    count = len({config.seed for config in configs})
    if seed is None and count < 2:
        raise StudyError(f"seeds={count} must be at least 2: an interval needs two runs of everything")
    return configs


def _listed(asked: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in asked.items())


def command(profile: str) -> str:
    """Say what makes a profile's tables and figures again.

    >>> command("quick"), command("full")
    ('Made by make reproduce.', 'Made by make reproduce PROFILE=full.')
    """
    return "Made by make reproduce" + ("." if profile == "quick" else f" PROFILE={profile}.")


def stamp(figure: Figure, note: str, banner: str) -> Figure:
    """Write below a figure where it comes from, and above it what must be known first; returns the figure."""
    figure.supxlabel(textwrap.fill(note, LINE), x=0.01, ha="left", fontsize=9, color="#555555")
    if banner and figure.legends:  # a title of the figure would lie on the legend
        figure.legends[0].set_title(banner, FontProperties(size=9, weight="bold"))
        figure.legends[0].get_title().set_color(WARNING)
    elif banner:
        figure.suptitle(banner, x=0.01, ha="left", fontsize=9, color=WARNING, weight="bold")
    return figure


def html(frame: pd.DataFrame, note: str, banner: str, digits: int) -> HTML:
    """Show a frame between a banner and a note; contenders appear under their names, floats with `digits`."""
    named = (frame.reset_index() if frame.index.name else frame).rename(columns=label).rename_axis(columns=None)
    if "method" in named:
        named["method"] = named["method"].map(label)
    numbers = f"{{:.{digits}f}}".format
    least = TABLE // max(1, len(named.columns))
    body = named.to_html(index=False, border=0, escape=False, col_space=least, float_format=numbers, justify="left")
    color = f"light-dark({WARNING}, {WARNING_ON_DARK})"
    warning = f'<p style="color: {color}"><small><strong>{banner}</strong></small></p>\n' if banner else ""
    return HTML(f"{warning}{body}\n<p><small>{note}</small></p>")


def hardware(provenances: Sequence[Mapping[str, Any]]) -> str:
    """Return the processors or devices that runs were computed on, and the torch that computed them."""
    torches = {f"torch {run['torch']}" for run in provenances}
    return ", ".join([*tables.machines(provenances), *sorted(torches)])


def label(name: Any) -> Any:
    """Return the name that a contender has in the book; anything else as it is.

    >>> label("scaled_layer"), label("size")
    ('scaled, per layer', 'size')
    """
    return KNOWN[name].label if isinstance(name, str) and name in KNOWN else name
