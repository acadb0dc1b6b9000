"""What the full profile reads from elsewhere, downloaded and decoded before the first training needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fourierconv.study.data.downloads import fetch
from fourierconv.study.data.official import OFFICIAL
from fourierconv.study.data.photos import Photos, folder, load_photos
from fourierconv.study.data.sources import is_there

SIZES = {"imagenette": (32, 64, 96, 128, 192), "cifar10": (32,)}  # pixels


def prepare(names: Sequence[str], cache_folder: Path, report: Callable[[str], None]) -> None:
    """Download the sets that have no local copy, decode each at its sizes, and report a line on each.

    Raises `OSError` and `ValueError` as `fetch` and `load_photos` do; what is finished is kept.

    >>> prepare([], Path("build"), print)
    """
    for name in names:
        root = folder(name, cache_folder)
        if not is_there(root):
            fetch(OFFICIAL[name], root, report)
        for size in SIZES[name]:
            images = load_photos(Photos(name, size), cache_folder)
            nbytes = images.train_images.nbytes + images.test_images.nbytes
            report(
                f"{name} at {size} px: {len(images.train_labels)} training and {len(images.test_labels)} test images "
                f"of {len(images.classes)} classes, {nbytes / 1e6:.0f} MB, from {root}"
            )
