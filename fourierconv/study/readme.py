"""The README's answers: a table written from the committed claims, so that no number there is typed.

python -m fourierconv.study.readme
"""

from collections.abc import Mapping, Sequence

from fourierconv.study.claims import CLAIMS, Claim, read_expected
from fourierconv.study.statistics import Interval
from fourierconv.study.store import StudyError, repository_root
from fourierconv.study.tables import write_changed

BEGIN, END = "<!-- answers: written by `make results` -->\n", "<!-- end of the answers -->"
SHOWN = (
    "recovered_window",
    "recovered_scaled_layer",
    "recovered_spline",
    "slope_scaled_layer",
    "difference_scaled_layer_32",
    "difference_scaled_layer_128",
    "difference_spectral_128",
    "over_spectral_scaled_layer_128",
)


def answers(claims: Sequence[Claim], measured: Mapping[str, Interval]) -> str:
    """Return the table of the claims that the README shows, with their 95 % intervals over seeds."""
    named = {claim.name: claim for claim in claims}
    lines = ["| what was measured | value, 95 % interval over seeds |", "|---|---|"]
    lines += [f"| {named[name].statement} | {named[name].show(measured[name])} |" for name in SHOWN]
    return "\n".join(lines) + "\n"


def replace(text: str, table: str) -> str:
    r"""Return a README with the table between its two marks replaced.

    Raises StudyError where the marks are not there, once each and in order.

    >>> replace(f"# Title\n{BEGIN}old\n{END}\n", "new\n").splitlines()[2]
    'new'
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after:
        raise StudyError(f"README.md must hold {BEGIN.strip()} and, after it, {END}, once each")
    return f"{before}{BEGIN}{table}{END}{after}"


def main() -> None:
    """Rewrite the README's table from the committed claims of the quick profile."""
    root = repository_root()
    path = root / "README.md"
    measured = read_expected(root / "book" / "results" / "quick" / "claims.csv")
    write_changed(path, replace(path.read_text(), answers(CLAIMS, measured)))


if __name__ == "__main__":
    main()
