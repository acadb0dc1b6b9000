"""What the README shows: its answers, times and figure, all from what is committed, so that no number there is typed.

python -m fourierconv.study.readme
"""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from fourierconv.study import claims as claim_list
from fourierconv.study import draft_claims, tables
from fourierconv.study.answers.trainings import worded
from fourierconv.study.bench.views import note
from fourierconv.study.claims import CLAIMS, Claim, read_expected
from fourierconv.study.experiments import EXPERIMENTS
from fourierconv.study.figures import style
from fourierconv.study.figures.smoothing import smoothing_strip
from fourierconv.study.protocol import SIZES
from fourierconv.study.protocol_claims import PROTOCOL_CLAIMS
from fourierconv.study.statistics import Interval
from fourierconv.study.store import StudyError, repository_root
from fourierconv.study.sweep import sweep_of
from fourierconv.study.tables import Row, from_csv, write_changed
from fourierconv.study.theory.kernels import random_kernels

MARKS = {
    name: (f"<!-- {name}: written by `make results` -->\n", f"<!-- end of the {name} -->")
    for name in ("answers", "cost", "times")
}
FIGURE = Path(".github") / "smoothing.svg"  # of the repository
SHOWN = (
    "recovered_window",
    "recovered_scaled_layer",
    "recovered_scaled_channel",
    "recovered_spline",
    "slope_scaled_layer",
    "difference_scaled_layer_64",
    "difference_scaled_layer_128",
    "difference_scaled_channel_128",
    "difference_window_128",
    "difference_spectral_128",
    "over_spectral_scaled_layer_128",
)
TIMED, KERNELS = "32to32-128px", (3, 7, 11, 21, 31)  # cells of the benchmark, by the size of their kernels
LINES_TIMED, TAPS = "32to32-4096", (3, 9, 31, 101, 1001)  # of sequences
CUDA_TIMED = "64to64-128px"
CUDA_CONTENDERS = ("torch", "torch tf32", "torch bf16 channels_last", "auto", "auto tf32")
PROTOCOL = "classification"


def answers(claims: Sequence[Claim], measured: Mapping[str, Interval]) -> str:
    """Return the table of the claims of `quick` that the README shows, with their 95 % intervals over seeds."""
    named = {claim.name: claim for claim in claims}
    lines = ["| what `make reproduce` measures | value, 95 % interval over seeds |", "|---|---|"]
    lines += [f"| {worded(named[name].statement)} | {named[name].show(measured[name])} |" for name in SHOWN]
    return "\n".join(lines) + "\n"


def protocol_answers(folder: Path) -> str:
    """Return what the committed runs of the full profile say of the draft's claims: sentences and a table."""
    experiment = EXPERIMENTS[PROTOCOL]
    there = tables.files(experiment, folder)[0].exists()
    rows = {PROTOCOL: tables.read(experiment, folder).rows} if there else {}
    claims = claim_list.claims_of(PROTOCOL_CLAIMS, rows)
    measured = claim_list.measure(claims, rows)
    shown = claim_list.values(claims, rows, measured)
    said = draft_claims.values(measured, shown)
    done = len(rows.get(PROTOCOL, ()))
    asked = {
        "draft_sizes": "Kernels adjust their size by themselves",
        "draft_accuracy": "Better than classic ConvNets on large images",
    }
    lines = [f"By the protocol, of whose {len(sweep_of(experiment, 'full'))} runs {done} are done:", ""]
    besides = {"draft_sizes": f"{said['draft_sizes_proportion']} {said['draft_sizes_fixed']}", "draft_accuracy": ""}
    lines += [
        f"- *{claim}*: the claim **{said[name]}**. {said[f'{name}_cases']} {besides[name]}".rstrip()
        for name, claim in asked.items()
    ]
    lines += [
        "",
        f"| accuracy at {SIZES[-1]} px of one scale per channel above | {' | '.join(draft_claims.DATA.values())} |",
        "|---" * (1 + len(draft_claims.DATA)) + "|",
    ]
    for kind, label in (draft_claims.BESIDE | draft_claims.SIMPLER).items():
        names = [f"{data}_scaled_channel_{SIZES[-1]}{kind}" for data in draft_claims.DATA]
        lines.append(f"| {label} | {' | '.join(_with_verdict(shown, name) for name in names)} |")
    if said["draft_accuracy_behind"]:
        lines += ["", said["draft_accuracy_behind"]]
    return "\n".join(lines) + "\n"


def _with_verdict(shown: Mapping[str, str], name: str) -> str:
    value, verdict = (shown.get(key, claim_list.WAITS) for key in (name, f"{name}_verdict"))
    return value if verdict == value else f"{value}: *{verdict}*{shown.get(f'{name}_doubt', '')}"


def times(folder: Path) -> str:
    """Return the table of a training step's times, by the size of the kernel, with the machine below."""
    found = _steps(folder / "times.csv")
    head = ("kernel", "`nn.Conv2d`", "`FourierConv2d`'s op")
    table = _beside_torch(found, head, {f"{k}×{k}": f"{TIMED}-k{k}" for k in KERNELS})
    return f"{table}\nForward and backward, {_where(found, TIMED)}, float32, medians. {note(folder)}\n"


def line_times(folder: Path) -> str:
    """Return the same of sequences, by the number of taps."""
    found = _steps(folder / "times.csv")
    head = ("taps", "`nn.Conv1d`", "`FourierConv1d`'s op")
    table = _beside_torch(found, head, {str(k): f"{LINES_TIMED}-k{k}" for k in TAPS})
    own = found[f"{LINES_TIMED}-k{TAPS[0]}", "torch"]
    where = f"{own['in']} to {own['out']} channels, {own['size']} samples, batch {own['batch']}"
    return f"{table}\n{where}, float32, medians. {note(folder)}\n"


def _beside_torch(found: Mapping[tuple[str, str], Row], head: Sequence[str], cells: Mapping[str, str]) -> str:
    """Rows of torch's step and ours in cells that have a label each."""
    lines = [f"| {' | '.join((*head, 'ratio'))} |", "|---" * (len(head) + 1) + "|"]
    for label, cell in cells.items():
        torch, ours = (float(found[cell, name]["median"]) for name in ("torch", "auto"))
        lines.append(f"| {label} | {torch:.0f} ms | {ours:.0f} ms | {torch / ours:.1f} |")
    return "\n".join(lines) + "\n"


def cuda_times(folder: Path) -> str:
    """Return the same of a CUDA device, with float32's own products and with TF32, beside cuDNN."""
    found = _steps(folder / "cuda.csv")
    titles = ("`nn.Conv2d`", "with TF32", "in bfloat16", "`FourierConv2d`'s op", "with TF32")
    lines = [f"| kernel | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for k in KERNELS:
        own = [float(found[f"{CUDA_TIMED}-k{k}", name]["median"]) for name in CUDA_CONTENDERS]
        lines.append(f"| {k}×{k} | {' | '.join(f'{ms:.1f} ms' for ms in own)} |")
    return "\n".join([*lines, "", f"{_where(found, CUDA_TIMED)}, medians. {note(folder)}"]) + "\n"


def _steps(path: Path) -> dict[tuple[str, str], Row]:
    """Rows of training steps, by cell and contender."""
    rows = from_csv(path.read_text())
    return {(str(row["cell"]), str(row["contender"])): row for row in rows if row["pass"] == "step"}


def _where(found: Mapping[tuple[str, str], Row], cells: str) -> str:
    own = found[f"{cells}-k{KERNELS[0]}", "torch"]
    return f"{own['in']} to {own['out']} channels, {own['size']}×{own['size']} pixels, batch {own['batch']}"


def cost(folder: Path) -> str:
    """Return a sentence on what the runs of `make reproduce` took where the committed tables were made."""
    there = {name: own for name, own in EXPERIMENTS.items() if sweep_of(own, folder.name)}
    facts = tables.facts({name: tables.read(own, folder) for name, own in there.items()})
    return f"Its runs took {facts['time']} on {facts['hardware']}; several cores share them.\n"


def figure() -> Figure:
    """Return the figure of the idea: a spectrum that is smoothed more and more, above the kernel that is left."""
    style.apply()
    return smoothing_strip(random_kernels(1, 21, 0)[0], [math.inf, 8, 4, 2, 1], 64)


def replace(text: str, name: str, block: str) -> str:
    r"""Return a README with the block between its two marks replaced.

    Raises StudyError where the marks are not there, once each and in order.

    >>> begin, end = MARKS["times"]
    >>> replace(f"# Title\n{begin}old\n{end}\n", "times", "new\n").splitlines()[2]
    'new'
    """
    first, last = MARKS[name]
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end or first in after:
        raise StudyError(f"README.md must hold {first.strip()} and, after it, {last}, once each")
    return f"{before}{first}{block}{last}{after}"


def written(text: str, root: Path) -> str:
    """Return the README with all that is written into it from the committed results."""
    results = root / "book" / "results"
    quick = answers(CLAIMS, read_expected(results / "quick" / "claims.csv"))
    text = replace(text, "answers", f"{protocol_answers(results / 'full')}\n{quick}")
    text = replace(text, "cost", cost(results / "quick"))
    tables_of_times = (times(results / "bench"), line_times(results / "sequences"), cuda_times(results / "gpu"))
    return replace(text, "times", "\n".join(tables_of_times))


def main() -> None:
    """Rewrite the README's tables and its figure."""
    root = repository_root()
    path = root / "README.md"
    write_changed(path, written(path.read_text(), root))
    style.save(figure(), root / FIGURE)


if __name__ == "__main__":
    try:
        main()
    except (StudyError, OSError) as error:
        sys.exit(f"error: {error}")
