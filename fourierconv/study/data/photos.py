"""Photographs from a local copy, resized once to small square arrays."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fourierconv.study.data.cache import cached
from fourierconv.study.data.images import ImageSet
from fourierconv.study.data.listing import SplitListing, list_splits
from fourierconv.study.data.sources import Entry, contents

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

    The folder holds split/class/image files (train and val or test; JPEG or PNG), or .tar or .tar.gz archives
    of such files, all of them parts of the one set. Raises `ValueError` for a name that is empty or a path, or
    a size below 1.

    >>> Photos("imagenette", size=128)
    Photos(name='imagenette', size=128)
    """

    name: str
    size: int

    def __post_init__(self) -> None:
        if self.name in ("", ".", "..") or Path(self.name).name != self.name:
            raise ValueError(f"name must be that of a folder in ${ROOT_VARIABLE}, got {self.name!r}")
        if type(self.size) is not int or self.size < 1:
            raise ValueError(f"size must be a positive integer, got {self.size!r}")


def load_photos(data: Photos, cache_folder: Path) -> ImageSet:
    """Decode the photographs, or map those decoded before from `cache_folder`; images are (n, 3, size, size).

    The largest centred square is cut out and reduced with an antialiasing filter, never enlarged. Rows are
    sorted by class and name, so a folder and its archive give the same arrays. Raises, in one line that names
    the path, `FileNotFoundError` where the folder is missing or the variable is not set, and `ValueError` for
    a set without classes or images, splits with different classes, a damaged archive or image, or an image
    smaller than `size`.

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
    root = _root(data)
    train, test = list_splits(root)
    return ImageSet(
        train_images=_images(data, root, "train", train, cache_folder),
        train_labels=train.labels(),
        test_images=_images(data, root, "test", test, cache_folder),
        test_labels=test.labels(),
        classes=train.classes,
    )


def _root(data: Photos) -> Path:
    folder = os.environ.get(ROOT_VARIABLE)
    if not folder:
        raise FileNotFoundError(f"{ROOT_VARIABLE} is not set: let it name the folder that holds {data.name}")
    return Path(folder) / data.name


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
