import hashlib
import io
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fourierconv.study.data import Photos, cifar, load
from fourierconv.study.data.official import OFFICIAL
from tests.study.data import cifar_cases


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small official archive in the folder of the data set."""
    monkeypatch.setenv("FOURIERCONV_DATA", str(tmp_path))
    content, _, _ = cifar_cases.data_set()
    small = replace(
        OFFICIAL["cifar10"], nbytes=len(content), sha256=hashlib.sha256(content).hexdigest(), train=13, test=10
    )
    monkeypatch.setitem(OFFICIAL, "cifar10", small)
    path = tmp_path / "cifar10" / cifar.ARCHIVE
    path.parent.mkdir()
    path.write_bytes(content)
    return path


def test_every_image_of_the_batches_is_there_unchanged(archive: Path, tmp_path: Path) -> None:
    images = load(Photos("cifar10", size=32), tmp_path / "cache")
    _, pixels, labels = cifar_cases.data_set()
    assert images.classes == cifar.CLASSES
    assert images.test_labels.tolist() == list(range(10))
    assert np.array_equal(images.test_images, pixels["test_batch"])
    # Sorted by class, then batch, then index.
    assert images.train_labels.tolist() == [0, 0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 9]
    assert np.array_equal(images.train_images[0], pixels["data_batch_1"][0])
    second = pixels["data_batch_2"]
    assert np.array_equal(images.train_images[1:], second[np.argsort(labels["data_batch_2"], kind="stable")])


def test_a_changed_archive_is_named_and_never_unpickled(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cifar, "images")
    content = bytearray(archive.read_bytes())
    content[100] ^= 1
    archive.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{archive}: sha256 [0-9a-f]+, but https://.*{cifar.ARCHIVE} has [0-9a-f]+$"):
        load(Photos("cifar10", size=32), tmp_path / "cache")


def test_a_truncated_archive_is_named(archive: Path, tmp_path: Path) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[:-100])
    message = f"^{archive}: {len(content) - 100} bytes, but https://.*{cifar.ARCHIVE} has {len(content)}$"
    with pytest.raises(ValueError, match=message):
        load(Photos("cifar10", size=32), tmp_path / "cache")


def test_images_are_not_enlarged(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"32x32 pixels, would have to be enlarged to size 64$"):
        load(Photos("cifar10", size=64), tmp_path / "cache")


def test_a_pickle_that_calls_other_code_is_refused() -> None:
    content = cifar_cases.archive({"data_batch_1": pickle.dumps(print)})
    with (
        tarfile.open(fileobj=io.BytesIO(content)) as tar,
        pytest.raises(pickle.UnpicklingError, match=r"^builtins.print is no part of an image batch$"),
    ):
        list(cifar.images(tar))
