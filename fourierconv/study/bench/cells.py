"""The cells of the benchmark: shapes of square images, in cells.csv, and of sequences, in sequences.csv."""

from dataclasses import dataclass, replace
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
        name: in the table.
        batch: images, or sequences.
        channels, out: of input and output.
        groups: of channels.
        size: side of the images in pixels, or samples of a sequence.
        kernel: taps per axis.
        dims: axes, 2 of an image and 1 of a sequence.
    """

    name: str
    batch: int
    channels: int
    out: int
    groups: int
    size: int
    kernel: int
    dims: int = 2

    @property
    def padding(self) -> int:
        """Pixels on every side."""
        return self.kernel // 2


def cells(package: str = "fourierconv.study.bench") -> list[Cell]:
    """All of a package's cells.csv.

    >>> len(cells()), cells()[0].name
    (60, '32to32-32px-k3')
    """
    return _listed(package, "cells.csv", 2)


def sequences() -> list[Cell]:
    """All of sequences.csv.

    >>> sequences()[0]
    Cell(name='32to32-4096-k3', batch=8, channels=32, out=32, groups=1, size=4096, kernel=3, dims=1)
    """
    return _listed("fourierconv.study.bench", "sequences.csv", 1)


def _listed(package: str, table: str, dims: int) -> list[Cell]:
    rows = from_csv(files(package).joinpath(table).read_text())
    shapes = ([int(value) for name, value in row.items() if name != "name"] for row in rows)
    return [replace(Cell(str(row["name"]), *shape), dims=dims) for row, shape in zip(rows, shapes, strict=True)]


def every() -> list[Cell]:
    """Of images, then of sequences."""
    return [*cells(), *sequences()]


def cell(name: str) -> Cell:
    """That of the name.

    Raises:
        StudyError: there is none.
    """
    for own in every():
        if own.name == name:
            return own
    raise StudyError(f"cell {name!r} is unknown; there are {len(every())}, such as {cells()[0].name!r}")
