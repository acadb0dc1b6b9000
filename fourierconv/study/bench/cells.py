"""The cells of the benchmark: shapes of square images and kernels, enumerated in cells.csv."""

from dataclasses import dataclass
from importlib.resources import files

from fourierconv.study.store import StudyError
from fourierconv.study.tables import from_csv

CHECKED = (  # a few that show every bound in ten minutes
    "32to32-32px-k3",
    "32to32-32px-k11",
    "32to32-64px-k3",
    "32to32-64px-k7",
    "32to32-64px-k11",
    "32to32-64px-k21",
    "32to32-128px-k11",
    "3to32-128px-k11",
    "64to64-64px-k11",
    "256to256-16px-k3",
    "depthwise64-64px-k21",
)


@dataclass(frozen=True)
class Cell:
    """One shape: padding keeps the images' size, there is no bias.

    Attributes:
        name: in cells.csv.
        batch: images.
        channels, out: of input and output.
        groups: of channels.
        size: side of the images, in pixels.
        kernel: taps per axis.
    """

    name: str
    batch: int
    channels: int
    out: int
    groups: int
    size: int
    kernel: int

    @property
    def padding(self) -> int:
        """Pixels on every side."""
        return self.kernel // 2


def cells(package: str = "fourierconv.study.bench") -> list[Cell]:
    """All of a package's cells.csv.

    >>> len(cells()), cells()[0].name
    (60, '32to32-32px-k3')
    """
    text = files(package).joinpath("cells.csv").read_text()
    return [
        Cell(str(row["name"]), *(int(value) for name, value in row.items() if name != "name")) for row in from_csv(text)
    ]


def cell(name: str) -> Cell:
    """That of the name.

    Raises:
        StudyError: there is none.
    """
    for own in cells():
        if own.name == name:
            return own
    raise StudyError(f"cell {name!r} is unknown; cells.csv lists {len(cells())}, such as {cells()[0].name!r}")
