"""Which images a data set holds: split/class/image, checked before any image is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from fourierconv.study.data.sources import Entry, entries

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm")  # in either case; other files are no images and are left out
TEST_NAMES = ("val", "test")


@dataclass(frozen=True)
class SplitListing:
    """The images of one split, sorted by class and name, whatever order they are stored in."""

    images: tuple[Entry, ...]
    classes: tuple[str, ...]

    def labels(self) -> np.ndarray:  # (n,) int64
        """The class of each image, as an index into `classes`.

        >>> cat = Entry(PurePosixPath("train/cat/1.jpg"), "", is_file=True, stamp="")
        >>> SplitListing((cat, cat), classes=("ant", "cat")).labels()
        array([1, 1])
        """
        number = {name: index for index, name in enumerate(self.classes)}
        return np.array([number[entry.path.parts[1]] for entry in self.images])

    def fingerprint(self) -> str:
        """Twelve hex digits that change with any image's path, size or time of change.

        >>> SplitListing((), classes=()).fingerprint()
        'e3b0c44298fc'
        """
        lines = "".join(f"{entry.path} {entry.stamp}\n" for entry in self.images)
        return hashlib.sha256(lines.encode()).hexdigest()[:12]


def list_splits(root: Path) -> tuple[SplitListing, SplitListing]:
    """List the training split (`train`) and the test split (`val` or `test`) of the data set in `root`.

    Raises `FileNotFoundError` for a missing folder and `ValueError`, naming the path, for a damaged archive,
    a split that is missing or without classes, a class without images, an image that is not at
    split/class/image or there twice, and for splits with different classes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("train/ant/1.jpg", "train/cat/1.jpg", "val/ant/1.jpg", "val/cat/1.jpg"):
    ...         Path(folder, name).parent.mkdir(parents=True)
    ...         size = Path(folder, name).write_bytes(b"")
    ...     train, test = list_splits(Path(folder))
    >>> train.classes, test.labels()
    (('ant', 'cat'), array([0, 1]))
    """
    found = list(entries(root))
    names = {entry.path.parts[0] for entry in found if len(entry.path.parts) > 1 or not entry.is_file}
    tests = [name for name in TEST_NAMES if name in names]
    if "train" not in names or len(tests) != 1:
        raise ValueError(
            f"{root}: expected train and one of val and test, as folders or in tar archives, "
            f"found {', '.join(sorted(names)) or 'neither'}"
        )
    train, test = (_list_split(root, split, found) for split in ("train", tests[0]))
    if train.classes != test.classes:
        only = sorted(set(train.classes) ^ set(test.classes))
        raise ValueError(f"{root}: train and {tests[0]} differ in their classes: {', '.join(only)}")
    return train, test


def _list_split(root: Path, split: str, found: Iterable[Entry]) -> SplitListing:
    inside = [entry for entry in found if entry.path.parts[0] == split]
    images: dict[PurePosixPath, Entry] = {}
    for entry in inside:
        if not entry.is_file or entry.path.suffix.lower() not in SUFFIXES:
            continue
        if len(entry.path.parts) != 3:
            raise ValueError(f"{entry.where}: expected an image at split/class/image")
        if entry.path in images:
            raise ValueError(f"{entry.where}: also at {images[entry.path].where}")
        images[entry.path] = entry
    filled = {path.parts[1] for path in images}
    folders = {entry.path.parts[1] for entry in inside if len(entry.path.parts) == 2 and not entry.is_file}
    if not filled | folders:
        raise ValueError(f"{root}: {split} holds no classes, expected {split}/class/image")
    if folders - filled:
        raise ValueError(f"{root}: no .jpg, .jpeg, .png or .ppm images in {split}/{min(folders - filled)}")
    return SplitListing(tuple(images[path] for path in sorted(images)), tuple(sorted(filled)))
