"""Arrays computed once and kept on disk, so that a file is either whole or not there."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import uuid4

import numpy as np


def cached(
    path: Path,
    shape: tuple[int, ...],
    chunks: Callable[[], Iterable[np.ndarray]],  # pieces of the array along its first axis, uint8
) -> np.ndarray:
    """Map the uint8 array in the .npy file `path`, written from `chunks()` where it is missing or not whole.

    The file grows under another name and takes its own by one rename, so a kill, a full disk or a second
    process never leaves a part of it: two processes that write at once write the same bytes, and the last
    rename wins. Raises `OSError` naming the path where it cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cached(Path(folder) / "ones.npy", (2, 2), lambda: [np.ones((2, 2), np.uint8)]).tolist()
    [[1, 1], [1, 1]]
    """
    header = _header(shape)
    if not _is_whole(path, header, math.prod(shape)):
        _write(path, header, chunks())
    return np.memmap(path, np.uint8, mode="r", offset=len(header), shape=shape)


def _header(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def _is_whole(path: Path, header: bytes, nbytes: int) -> bool:
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size == len(header) + nbytes and file.read(len(header)) == header
    except FileNotFoundError:
        return False


def _write(path: Path, header: bytes, chunks: Iterable[np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(header)
            for chunk in chunks:
                file.write(np.ascontiguousarray(chunk, np.uint8).data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        # A full disk is reported without a file name; the reader needs one.
        raise OSError(error.errno, error.strerror, error.filename or str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)
