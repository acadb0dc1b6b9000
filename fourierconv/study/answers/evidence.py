"""What is committed of the protocol's runs: finished ones as a data frame, and those that are not run yet, with a cost.

Tables may hold any part of a profile's runs. Where the full profile has none of a question, the pilot's are shown.
Pages show the committed tables, but for the profile that they are executed for: that one's are this machine's own.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from fourierconv.study import frames, protocol, recompute, tables
from fourierconv.study.answers.trainings import NOT_RUN, described, gains, narrowed
from fourierconv.study.estimates import Times, core_seconds, costs
from fourierconv.study.experiments import classification
from fourierconv.study.experiments.classification import IDENTITY, TEST_SIZES, Config, cells_of
from fourierconv.study.provenance import readable
from fourierconv.study.status import committed_times
from fourierconv.study.store import Store, build_folder, key, repository_root
from fourierconv.study.tables import Row

EXPERIMENT: Any = classification
PROFILES = ("full", "pilot")  # the first one with a run of the question is shown
PILOT_BANNER = "Pilot: one seed, short training, answers nothing."
EMPTY_BANNER = "Not run yet."
METRICS = (*EXPERIMENT.columns[EXPERIMENT.columns.index("parameters") :], "step_s", "peak_mb", "machine")


@dataclass(frozen=True)
class Evidence:
    """Finished runs of some questions, and of those that they are compared with, and what the protocol asks for.

    Attributes:
        profile: 'full' or 'pilot', whose runs are shown; '' where neither has one.
        rows: a row per finished run: its `config`, the config's fields, `contender` as tables name it, the metrics of
            the experiment's table, `step_s`, `peak_mb`, `machine` where they are known, and `gain`, the points that
            twice the training adds to a cell's first seed, None where that is not run.
        every: a row per training that the shown profile asks for, finished or not, with the config's fields.
        asked: of the shown profile, the trainings of each question.
        wanted: of the full profile, the trainings of each question, without those for comparison.
        finished: those of the full profile that are done.
        times: measured (cost, seconds), by which the cost of others is estimated.
        measured: whose times those are, and on what processors.
        note: profile, seeds, runs, time and hardware, for every figure and table.
        banner: what a reader must know first, '' where there is nothing.
        store: of the runs themselves, with their histories and what weights they left.
    """

    profile: str
    rows: pd.DataFrame
    every: pd.DataFrame
    asked: Mapping[str, Sequence[Config]]
    wanted: Mapping[str, Sequence[Config]]
    finished: frozenset[Config]
    times: Times
    measured: str
    note: str
    banner: str
    store: Store

    def of(self, *names: str, **where: Any) -> pd.DataFrame:
        """The rows of some of the questions, with the given cells."""
        own = {config for name in names for config in self.asked[name]}
        return narrowed(self.rows[self.rows["config"].isin(own)], **where)

    def cells(self, *names: str, **where: Any) -> pd.DataFrame:
        """What the shown profile asks, finished or not: a row per training with the config's fields."""
        own = {config for name in names for config in self.asked[name]}
        return narrowed(self.every[self.every["config"].isin(own)], **where)

    def missing(self) -> pd.DataFrame:
        """What the protocol asks for and is not done, by question, data and size, with the core time that it takes."""
        found = []
        for name, configs in self.wanted.items():
            for (data, size), own in described(configs).groupby(["data", "size"], sort=False):
                left = [config for config in own["config"] if config not in self.finished]
                counts = {"runs": len(own), "done": len(own) - len(left), "core time of the rest": self._cost(left)}
                found.append({"question": name, "data": data, "image": f"{size} px", **counts})
        rows = pd.DataFrame(found)
        return rows[rows["runs"] > rows["done"]]

    def left(self) -> str:
        """One sentence on all that is not run yet, each training counted once."""
        configs = list(dict.fromkeys(config for own in self.wanted.values() for config in own))
        left = [config for config in configs if config not in self.finished]
        if not left:
            return f"All {len(configs)} runs of the full profile are done."
        cost = f"{self._cost(left)} of one core, by {self.measured}" if self.times else "their time is not known yet"
        return f"{len(left)} of {len(configs)} runs of the full profile are not done yet: {cost}."

    def standing(self) -> Markdown:
        """What is shown on the page, and what is not run yet, in two sentences."""
        return Markdown(" ".join(filter(None, (self.banner and f"**{self.banner}**", self.note, self.left()))))

    def answer(self, sentences: Sequence[str]) -> Markdown:
        """Show sentences of `verdicts`, the first one in bold, between banner and note; or that nothing is run yet."""
        if self.rows.empty:
            return Markdown(f"**{self.banner}**")
        verdict, *others = sentences
        bullets = "\n".join(f"- {sentence}" for sentence in others)
        parts = (self.banner and f"**{self.banner}**", f"**{verdict}**", bullets, self.note)
        return Markdown("\n\n".join(filter(None, parts)))

    def not_run(self) -> HTML:
        """Show `missing`, if anything is, above `left`."""
        missing = self.missing()
        return HTML(f"<p>{self.left()}</p>") if missing.empty else frames.html(missing, self.left(), "", 0)

    def commands(self) -> HTML:
        """Show, for every cell of the page's own questions that has a run, the command that trains its seeds anew."""
        asked = {recompute.cell_of(config) for configs in self._own() for config in configs}
        own = described(config for config in self.rows["config"] if recompute.cell_of(config) in asked)
        lines = []
        by = ["data", "size", "contender", "epochs", "validation"]
        for (data, size, name, epochs, validation), cell in own.groupby(by, sort=False):
            aside = ", tested on images set aside" if validation else ""
            seeds = ", ".join(map(str, sorted(cell["seed"])))
            lines.append(f"# {data}, {size} px, {name}, {epochs} epochs{aside}: seeds {seeds}")
            lines.append(recompute.command(EXPERIMENT, self.profile, cell["config"].tolist()))
        shown = html.escape("\n".join(lines)) or NOT_RUN
        return HTML(
            f"<details><summary>Commands, one for each cell</summary>\n"
            f'<pre tabindex="0" style="white-space: pre-wrap; max-height: 24em">{shown}</pre></details>'
        )

    def _own(self) -> list[Sequence[Config]]:
        return [self.asked[name] for name in self.wanted]

    def _cost(self, left: Sequence[Config]) -> str:
        seconds = core_seconds(self.times, costs(EXPERIMENT, left))
        return "not known yet" if seconds is None else f"about {readable(seconds)}"

    def stamp(self, figure: Figure) -> Figure:
        """Write note and banner on a figure; returns the figure."""
        return frames.stamp(figure, self.note, self.banner)

    def table(self, frame: pd.DataFrame, digits: int = 2) -> HTML:
        """Show a frame between its banner and its note, or that there is nothing to show yet."""
        frame = frame if len(frame) else pd.DataFrame({"": [NOT_RUN]})
        return frames.html(frame, self.note, self.banner, digits)


def load(*names: str, profile: str = "", beside: Sequence[str] = (), folder: Path | None = None) -> Evidence:
    """Read what is committed of some of the protocol's questions, or what this machine has found.

    Args:
        names: of questions, as `protocol.questions` has them.
        beside: further questions, whose runs these are compared with; they do not count as wanted, and the profile that
            is shown is chosen without them.
        profile: whose table is read from the build folder; those of others are the committed ones.
        folder: with a folder of committed tables per profile; by default that of the repository.

    Raises:
        StudyError: a table that is damaged.
    """
    committed = folder or repository_root() / "book" / "results"
    folders = {own: build_folder() / "results" / own if own == profile else committed / own for own in PROFILES}
    both = (*names, *beside)
    questions = {p: {q.name: q.configs for q in protocol.questions(p) if q.name in both} for p in PROFILES}
    own = {p: {config for name in names for config in questions[p][name]} for p in PROFILES}
    found = {name: finished(folders[name], questions[name]) for name in PROFILES}
    shown = next((name for name in PROFILES if own[name] & found[name].keys()), "")
    rows = found.get(shown, {})
    accuracies = {config: row["accuracy"] for config, row in rows.items()}
    asked = questions[shown or "full"]
    provenance, warning = origin(folders[shown]) if shown else ({}, "")
    banner = {"pilot": PILOT_BANNER, "": EMPTY_BANNER}.get(shown, "")
    return Evidence(
        shown,
        described(rows).assign(**_measured(rows), gain=pd.Series(gains(accuracies), dtype=object)),
        described(dict.fromkeys(config for configs in asked.values() for config in configs)),
        asked,
        {name: configs for name, configs in questions["full"].items() if name in names},
        frozenset(found["full"]),
        *_times(folders),
        note(shown, rows, own[shown or "full"], provenance),
        " ".join(filter(None, (banner, warning))),
        Store((build_folder() if shown == profile else committed / shown) / "runs"),
    )


def finished(folder: Path, questions: Mapping[str, Sequence[Config]]) -> dict[Config, dict[str, Any]]:
    """The questions' trainings that have a row in the folder's table, with its metrics."""
    if not tables.files(EXPERIMENT, folder)[0].exists():
        return {}
    table = tables.read(EXPERIMENT, folder)
    held = {_identity(row): row for row in table.rows}
    runs, found = tables.runs_of(table.provenance), {}
    for config in dict.fromkeys(config for configs in questions.values() for config in configs):
        row = held.get((*cells_of(config).values(), config.test_sizes))
        if row is not None:
            found[config] = row | _price(runs.get(key(EXPERIMENT, config), {}))
    return found


def _identity(row: Row) -> tuple[Any, ...]:
    tested = tuple(size for size in TEST_SIZES if row[f"accuracy_pixels_{size}"] != "")
    return (*(row[name] for name in IDENTITY), tested)


def _price(run: Mapping[str, Any]) -> dict[str, Any]:
    """Time and memory of a step, and the machine, as far as they are known."""
    machine = run.get("cpu") if run.get("device") == "cpu" else run.get("device")
    return {"step_s": run.get("step_s"), "peak_mb": run.get("peak_mb"), "machine": machine}


def _measured(rows: Mapping[Config, Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Metrics by column; None where a run has none."""
    return {name: [None if row[name] == "" else row[name] for row in rows.values()] for name in METRICS}


def _times(folders: Mapping[str, Path]) -> tuple[Times, str]:
    """Measured times of the first profile that has any, and whose they are."""
    for profile in PROFILES:
        times, processors = committed_times(EXPERIMENT, protocol.configs(profile), folders[profile])
        if times:
            return times, f"the measured times of the {profile} profile on {processors}"
    return [], ""


def origin(folder: Path) -> tuple[dict[str, Any], str]:
    """The provenance of a folder's table, and its banner where it is of an older key."""
    table = tables.read(EXPERIMENT, folder)
    return table.provenance, table.banner


def note(profile: str, rows: Mapping[Config, Any], own: set[Config], provenance: Mapping[str, Any]) -> str:
    """Seeds, runs and time of a page's own questions, and the machines of all that it shows."""
    done = own & rows.keys()
    if not profile:
        return f"Profile full, 0 of {len(own)} runs."
    seeds, theirs = (len({config.seed for config in some}) for some in (done, rows.keys() - done))
    drawn = "one seed" if seeds == 1 else f"up to {seeds} seeds"
    drawn += f" and {theirs} of what they are compared with" if theirs > seeds else ""
    runs = tables.runs_of(provenance)
    spent = tables.spent(runs.get(key(EXPERIMENT, config), {}) for config in done)
    machines = sorted({row["machine"] for row in rows.values() if row["machine"]})
    versions = sorted({runs.get(key(EXPERIMENT, config), {}).get("torch", "") for config in rows} - {""})
    hardware = ", ".join([*machines, *(f"torch {version}" for version in versions)])
    return (
        f"Profile {profile}, {drawn}, {len(done)} of {len(own)} runs in {spent} on {hardware}. "
        f"{frames.command(profile)}"
    )
