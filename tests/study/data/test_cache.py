import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourierconv.study.data.cache import cached

ARRAY = np.arange(600, dtype=np.uint8).reshape(20, 30)

KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from fourierconv.study.data.cache import cached
def chunks():
    yield np.zeros((2, 1000, 1000), np.uint8)
    os.kill(os.getpid(), signal.SIGKILL)
cached(Path(sys.argv[1]), (4, 1000, 1000), chunks)
"""


def whole() -> list[np.ndarray]:
    return [ARRAY[:7], ARRAY[7:]]


def never() -> list[np.ndarray]:
    raise AssertionError("written again")


@contextmanager
def file_size_limit(nbytes: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_file_is_an_ordinary_npy_and_read_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "array.npy"
    array = cached(path, ARRAY.shape, whole)
    assert np.array_equal(array, ARRAY)
    assert np.array_equal(np.load(path), ARRAY)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_whole_file_is_not_written_again(tmp_path: Path) -> None:
    cached(tmp_path / "array.npy", ARRAY.shape, whole)
    assert np.array_equal(cached(tmp_path / "array.npy", ARRAY.shape, never), ARRAY)


@given(length=st.integers(0, 727))
def test_file_cut_anywhere_is_written_again(length: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "array.npy")
        cached(path, ARRAY.shape, whole)
        content = path.read_bytes()
        assert len(content) == 728
        path.write_bytes(content[:length])
        assert np.array_equal(cached(path, ARRAY.shape, whole), ARRAY)
        assert path.read_bytes() == content


@pytest.mark.parametrize("other", [np.zeros((30, 20), np.uint8), np.zeros((20, 30), np.int8), ARRAY.T], ids=str)
def test_file_of_another_shape_type_or_order_is_written_again(tmp_path: Path, other: np.ndarray) -> None:
    np.save(tmp_path / "array.npy", other)
    assert np.array_equal(cached(tmp_path / "array.npy", ARRAY.shape, whole), ARRAY)


def test_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> Iterator[np.ndarray]:
        yield ARRAY[:7]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path / "array.npy", ARRAY.shape, interrupted)
    assert list(tmp_path.iterdir()) == []


def test_kill_leaves_no_file_under_the_name(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not path.exists()
    assert np.array_equal(cached(path, ARRAY.shape, whole), ARRAY)


def test_write_that_fails_names_the_path_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    with file_size_limit(300), pytest.raises(OSError, match=f"{path}'$"):
        cached(path, ARRAY.shape, whole)
    assert list(tmp_path.iterdir()) == []


def test_cache_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(OSError, match=str(tmp_path / "cache")):
        cached(tmp_path / "cache" / "array.npy", ARRAY.shape, never)
