"""Data sets: letters drawn on the spot at any size, photographs downloaded or from a local copy."""

from pathlib import Path

from fourierconv.study.data.images import ImageSet, normalise
from fourierconv.study.data.letters import Letters, load_letters
from fourierconv.study.data.photos import Photos, load_photos

__all__ = ["ImageSet", "Letters", "Photos", "load", "normalise"]


def load(data: Letters | Photos, cache_folder: Path) -> ImageSet:
    """Draw or decode a data set, or map it from `cache_folder`; see `load_letters` and `load_photos`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load(Letters(size=32, classes=2, train=6, test=2), Path(folder)).train_images.shape
    (6, 1, 32, 32)
    """
    return load_letters(data, cache_folder) if isinstance(data, Letters) else load_photos(data, cache_folder)
