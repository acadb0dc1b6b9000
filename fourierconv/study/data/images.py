"""What every data set of the study looks like once it is loaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

MID_GREY = 127.5
SPREAD = 63.75  # a quarter of the range: about the standard deviation of a photograph


@dataclass(frozen=True)
class ImageSet:
    """Images and labels of a training and a test split; a whole split is read-only and memory-mapped.

    >>> images, labels = np.zeros((2, 1, 32, 32), np.uint8), np.array([0, 1])
    >>> ImageSet(images, labels, images, labels, classes=("A", "B")).channels
    1
    """

    train_images: np.ndarray  # (n, channels, size, size) uint8
    train_labels: np.ndarray  # (n,) int64, an index into `classes`
    test_images: np.ndarray  # (m, channels, size, size) uint8
    test_labels: np.ndarray  # (m,) int64
    classes: tuple[str, ...]

    @property
    def channels(self) -> int:
        """Channels per image: 1 for letters, 3 for photographs.

        >>> images, labels = np.zeros((1, 3, 32, 32), np.uint8), np.array([0])
        >>> ImageSet(images, labels, images, labels, classes=("A",)).channels
        3
        """
        return int(self.train_images.shape[1])

    def digest(self) -> str:
        """Twelve hex digits that change with any pixel or label: two copies of a set may differ in their coding.

        >>> images, labels = np.zeros((1, 3, 32, 32), np.uint8), np.array([0])
        >>> ImageSet(images, labels, images, labels, classes=("A",)).digest()
        '155fb7024ecf'
        """
        digest = hashlib.sha256()
        for part in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()[:12]


def normalise(images: np.ndarray) -> np.ndarray:
    """Turn uint8 images of any shape into float32: (images - 127.5) / 63.75, so that values lie in [-2, 2].

    The two constants belong to no data set: a network trained on one set or size sees another one on the
    same scale. Raises `TypeError` for anything but uint8.

    >>> normalise(np.array([0, 255], np.uint8))
    array([-2.,  2.], dtype=float32)
    """
    if images.dtype != np.uint8:
        raise TypeError(f"images must be uint8, got {images.dtype}")
    return (images.astype(np.float32) - np.float32(MID_GREY)) / np.float32(SPREAD)
