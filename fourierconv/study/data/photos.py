"""Photographs, downloaded or from a local copy, resized once to small square arrays."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fourierconv.study.data import parts
from fourierconv.study.data.cache import cached
from fourierconv.study.data.images import ImageSet
from fourierconv.study.data.listing import SplitListing, list_splits
from fourierconv.study.data.official import OFFICIAL
from fourierconv.study.data.sources import Entry, contents, is_there

NUMERICS = 1  # part of the cache key: raise it whenever a decoded image may come out different

ROOT_VARIABLE = "FOURIERCONV_DATA"

# Lanczos, whose width grows with the reduction, removes what the new size cannot hold. A box filter would
# average one source pixel here and two there at ratios such as 192:128, which aliases.
FILTER = Image.Resampling.LANCZOS

# What Pillow raises for a file that is no image, or only part of one.
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class Photos:
    """Photographs in the folder `name` below the one that `FOURIERCONV_DATA` names, at `size` pixels squared.

    The folder holds split/class/image files (train and val or test; JPEG, PNG or PPM), or .tar, .tar.gz or .tgz
    archives of such files, all of them parts of the one set, or the official archive of CIFAR-10.

    `train` takes so many of the training images, balanced by class; the first ones stay the same as it grows. With
    `validation` the test split is a fifth of every class of the training split, held out for choosing
    hyperparameters; the test images proper are not decoded. The choice is the same in every run.

    Raises `ValueError` for a name that is empty or a path, or a size or a number of images below 1.

    >>> Photos("imagenette", size=128, train=2000)
    Photos(name='imagenette', size=128, train=2000, validation=False)
    """

    name: str
    size: int
    train: int | None = None
    validation: bool = False

    def __post_init__(self) -> None:
        if self.name in ("", ".", "..") or Path(self.name).name != self.name:
            raise ValueError(f"name must be that of a folder in ${ROOT_VARIABLE}, got {self.name!r}")
        for field, value in (("size", self.size), ("train", 1 if self.train is None else self.train)):
            if type(value) is not int or value < 1:
                raise ValueError(f"{field} must be a positive integer, got {value!r}")


def load_photos(data: Photos, cache_folder: Path) -> ImageSet:
    """Decode the photographs, or map those decoded before from `cache_folder`; images are (n, 3, size, size).

    The largest centred square is cut out and reduced with an antialiasing filter, never enlarged. Rows are
    sorted by class and name, so a folder and its archive give the same arrays; a part of the training images is
    a copy in memory. Raises, in one line that names the path, `FileNotFoundError` where the folder is missing,
    and `ValueError` for a set without classes or images, splits with different classes, an official set that is
    not complete, a damaged archive or image, an image smaller than `size`, or more than the training images.

    >>> import tempfile
    >>> from unittest.mock import patch
    >>> with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, FOURIERCONV_DATA=folder):
    ...     for name in ("train/ant", "train/cat", "val/ant", "val/cat"):
    ...         Path(folder, "pets", name).mkdir(parents=True)
    ...         Image.new("RGB", (48, 40), "red").save(Path(folder, "pets", name, "1.png"))
    ...     pets = load_photos(Photos("pets", size=32), Path(folder, "cache"))
    >>> pets.train_images.shape, pets.test_labels.tolist(), pets.classes
    ((2, 3, 32, 32), [0, 1], ('ant', 'cat'))
    """
    root = folder(data.name, cache_folder)
    _require_there(data.name, root)
    train, test = list_splits(root)
    _require_complete(data.name, root, train, test)
    images, labels = _images(data, root, "train", train, cache_folder), train.labels()
    rows, held = parts.rows(labels, data.train, data.validation)
    whole = data.train is None and not data.validation
    return ImageSet(
        train_images=images if whole else images[rows],
        train_labels=labels[rows],
        test_images=images[held] if data.validation else _images(data, root, "test", test, cache_folder),
        test_labels=labels[held] if data.validation else test.labels(),
        classes=train.classes,
    )


def folder(name: str, cache_folder: Path) -> Path:
    """Where a set is looked for and downloaded to: below $FOURIERCONV_DATA, else `originals` in the cache folder.

    >>> from unittest.mock import patch
    >>> with patch.dict(os.environ, FOURIERCONV_DATA="photos"):
    ...     folder("imagenette", Path("build")).as_posix()
    'photos/imagenette'
    """
    return Path(os.environ.get(ROOT_VARIABLE) or cache_folder / "originals") / name


def _require_there(name: str, root: Path) -> None:
    if name in OFFICIAL and not is_there(root):
        raise FileNotFoundError(
            f"{root}: no copy of {name}; let {ROOT_VARIABLE} name a folder that holds one, "
            f"or download it: python -m fourierconv.study data --only {name}"
        )
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder; {ROOT_VARIABLE} names the one that holds {name}")


def _require_complete(name: str, root: Path, train: SplitListing, test: SplitListing) -> None:
    found = (len(train.images), len(test.images))
    if name in OFFICIAL and found != (expected := (OFFICIAL[name].train, OFFICIAL[name].test)):
        raise ValueError(
            f"{root}: {found[0]} training and {found[1]} test images, but {name} has {expected[0]} and {expected[1]}"
        )


def _images(data: Photos, root: Path, split: str, listing: SplitListing, cache_folder: Path) -> np.ndarray:
    name = f"{data.name}-v{NUMERICS}-size{data.size}-{split}-{listing.fingerprint()}.npy"
    shape = (len(listing.images), 3, data.size, data.size)
    return cached(cache_folder / name, shape, lambda: [_decode_all(root, listing, data.size)])


def _decode_all(root: Path, listing: SplitListing, size: int) -> np.ndarray:  # (n, 3, size, size) uint8
    # Whole in memory: an archive stores its images in another order, and has to be read in that.
    images = np.empty((len(listing.images), 3, size, size), np.uint8)
    row = {entry.path: number for number, entry in enumerate(listing.images)}
    for path, content in contents(root, row.keys()):
        images[row[path]] = _decode(content, listing.images[row[path]], size)
    return images


def _decode(content: bytes, entry: Entry, size: int) -> np.ndarray:  # (3, size, size) uint8
    try:
        image = Image.open(io.BytesIO(content)).convert("RGB")
    except DAMAGE as error:
        # Pillow names the buffer, which tells the reader nothing, so only the kind of error is kept.
        raise ValueError(f"{entry.where}: damaged or truncated image ({type(error).__name__})") from error
    side = min(image.size)
    if side < size:
        width, height = image.size
        raise ValueError(f"{entry.where}: {width}x{height} pixels, would have to be enlarged to size {size}")
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), FILTER, box=box)).transpose(2, 0, 1)
