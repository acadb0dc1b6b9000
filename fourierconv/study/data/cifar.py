"""CIFAR-10 as its author distributes it: batches pickled by Python 2, taken apart into image files."""

from __future__ import annotations

import pickle
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np

ARCHIVE = "cifar-10-python.tar.gz"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32  # pixels
PPM = b"P6 32 32 255\n"  # the header of an uncompressed image


def images(tar: tarfile.TarFile) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield every image of the opened archive as split/class/batch-index.ppm and the content of such a file.

    Raises `pickle.UnpicklingError` for a batch that holds anything but lists, numbers, texts and arrays.

    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file, tarfile.open(fileobj=file, mode="w") as tar:
    ...     list(images(tar))
    []
    """
    for member in tar:
        name = PurePosixPath(member.name).name
        file = tar.extractfile(member)
        if file is None or not (name.startswith("data_batch_") or name == "test_batch"):
            continue
        batch = _Unpickler(file, encoding="bytes").load()
        split = "test" if name == "test_batch" else "train"
        pixels = batch[b"data"].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
        for index, (label, image) in enumerate(zip(batch[b"labels"], pixels, strict=True)):
            yield PurePosixPath(split, CLASSES[label], f"{name}-{index:05}.ppm"), PPM + image.tobytes()


class _Unpickler(pickle.Unpickler):
    """Knows the three names by which NumPy of that time pickled arrays, and runs no other code."""

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "numpy.core.multiarray", "_reconstruct":
                return lambda kind, shape, code: kind(shape, code)
            case "numpy", "ndarray":
                return np.ndarray
            case "numpy", "dtype":
                return lambda code, align, copy: np.dtype(code)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an image batch")
