import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fourierconv.study.data import ImageSet, Photos, load
from fourierconv.study.data.photos import NUMERICS
from tests.study.data.photo_cases import (
    BAD_SETS,
    FILES,
    LAYOUTS,
    data_set,
    encoded,
    picture,
    write_archive,
    write_folder,
    write_shards,
)

TRAIN_ORDER = ["train/ant/10.png", "train/ant/2.JPG", "train/cat/a.jpeg", "train/cat/b.jpg"]
GOLDEN = {1: "c0bd7dad228448008337d3f131afbe4212372cf5bb82ed0f07ed774d1e0bacf9"}  # sha256, by NUMERICS


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a data set named `pets`, not there yet."""
    monkeypatch.setenv("FOURIERCONV_DATA", str(tmp_path))
    return tmp_path / "pets"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[], ImageSet]:
    """Load `pets` at 32 pixels."""
    return lambda: load(Photos("pets", size=32), tmp_path / "cache")


Read = Callable[[], ImageSet]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_are_sorted_whatever_the_layout(root: Path, read: Read, layout: str) -> None:
    LAYOUTS[layout](root, data_set())
    pets = read()
    assert pets.classes == ("ant", "cat")
    assert pets.train_labels.tolist() == [0, 0, 1, 1]
    assert pets.test_labels.tolist() == [0, 1]
    assert pets.train_labels.dtype == np.int64
    assert pets.train_images.shape == (4, 3, 32, 32)
    assert pets.test_images.shape == (2, 3, 32, 32)
    tints = [40 * list(FILES).index(name) for name in TRAIN_ORDER]
    assert pets.train_images[:, 2].mean((1, 2)) == pytest.approx(tints, abs=3)  # JPEG is inexact


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_bytes(root: Path, tmp_path: Path, read: Read, layout: str) -> None:
    LAYOUTS[layout](root, data_set())
    write_folder(tmp_path / "reference", data_set())
    reference = load(Photos("reference", size=32), tmp_path / "cache")
    assert np.array_equal(read().train_images, reference.train_images)
    assert np.array_equal(read().test_images, reference.test_images)


def test_decoded_images_are_those_that_results_were_computed_from(root: Path, read: Read) -> None:
    write_folder(root, {f"{split}/ant/1.png": encoded("1.png", picture(51, 44, 90)) for split in ("train", "val")})
    digest = hashlib.sha256(read().train_images.tobytes()).hexdigest()
    assert GOLDEN.get(NUMERICS) == digest, (
        "decoded images changed: raise NUMERICS in photos.py, which also decodes every cache anew, and add the hash"
    )


def test_the_centred_square_is_reduced_with_antialiasing(root: Path, read: Read) -> None:
    stripes = np.zeros((96, 160, 3), np.uint8)
    stripes[:, 32:128] = np.arange(96)[None, :, None] % 2 * 255  # the finest stripes, in the centred square only
    write_folder(root, {f"{split}/ant/1.png": encoded("1.png", stripes) for split in ("train", "test")})
    inside = read().train_images[0, :, :, 2:-2]
    assert inside.min() >= 126
    assert inside.max() <= 129


def test_grey_and_transparent_images_become_colour(root: Path, read: Read) -> None:
    modes = {"grey": np.full((32, 32), 9, np.uint8), "clear": np.full((32, 32, 4), 9, np.uint8)}
    for split in ("train", "val"):
        write_folder(root, {f"{split}/{mode}/1.png": encoded("1.png", image) for mode, image in modes.items()})
    assert np.array_equal(read().train_images, np.full((2, 3, 32, 32), 9))


def test_other_files_and_hidden_ones_are_left_out(root: Path, read: Read) -> None:
    extra = {"README.md": b"", "train/ant/notes.txt": b"", "train/ant/._2.JPG": b"x", ".git/a/b.png": b"x"}
    write_folder(root, data_set() | extra)
    assert len(read().train_images) == 4


def test_a_second_load_decodes_nothing(root: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(root, data_set())
    first = read()
    monkeypatch.delattr(Image, "open")
    assert np.array_equal(read().train_images, first.train_images)


def test_a_changed_image_is_decoded_anew(root: Path, read: Read) -> None:
    write_folder(root, data_set())
    before = read().train_images[0].copy()
    changed = root / TRAIN_ORDER[0]
    content = encoded("1.png", picture(40, 40, 250))
    changed.write_bytes(content)
    os.utime(changed, (1, 1))
    assert not np.array_equal(read().train_images[0], before)


@pytest.mark.parametrize("case", BAD_SETS)
@pytest.mark.parametrize("layout", ["folder", "tar"])
def test_bad_set_is_named_and_nothing_is_kept(root: Path, read: Read, layout: str, case: str) -> None:
    change, message = BAD_SETS[case]
    LAYOUTS[layout](root, change(data_set()))
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        read()
    text = str(caught.value)
    assert text.startswith(str(root))
    assert text.endswith(message)
    assert "\n" not in text
    kept = [path.name for path in (root.parent / "cache").glob("*")]
    assert all("-train-" in name for name in kept)  # train may be whole where only a test image is damaged
    assert not any(name.endswith(".tmp") for name in kept)


def test_class_without_images_is_named(root: Path, read: Read) -> None:
    write_folder(root, data_set())
    (root / "val" / "bee").mkdir()
    with pytest.raises(ValueError, match=f"^{root}: no .jpg, .jpeg or .png images in val/bee$"):
        read()


def test_image_in_two_shards_is_named(root: Path, read: Read) -> None:
    write_shards(root, data_set())
    write_archive(root / "pets-2.tar", {"train/cat/b.jpg": b""})
    with pytest.raises(ValueError, match=r"pets-2.tar:./train/cat/b.jpg: also at .*pets-0.tar:./train/cat/b.jpg$"):
        read()


@pytest.mark.parametrize("name", ["pets.tar", "pets.tar.gz"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_truncated_archive_is_named(root: Path, read: Read, name: str, share: float) -> None:
    write_archive(root / name, data_set())
    content = (root / name).read_bytes()
    end = len(content.rstrip(b"\0"))  # a tar file ends with blocks of zeros, some of them mere filling
    (root / name).write_bytes(content[: int(share * end)])
    with pytest.raises(ValueError, match=rf"^{root / name}: damaged or truncated archive \([^\n]*\)$"):
        read()


def test_archive_cut_between_two_images_is_named(root: Path, read: Read) -> None:
    files = {f"{split}/ant/{number}.png": bytes(512) for split in ("train", "val") for number in range(3)}
    write_archive(root / "pets.tar", files)
    content = (root / "pets.tar").read_bytes()
    (root / "pets.tar").write_bytes(content[: 5 * 1024])
    with pytest.raises(ValueError, match=r"pets.tar: damaged or truncated archive \(no end mark\)$"):
        read()


def test_archive_with_a_damaged_header_is_named(root: Path, read: Read) -> None:
    write_archive(root / "pets.tar", {f"{split}/ant/1.png": bytes(512) for split in ("train", "val")})
    content = bytearray((root / "pets.tar").read_bytes())
    content[1024] ^= 255
    (root / "pets.tar").write_bytes(content)
    with pytest.raises(ValueError, match=r"pets.tar: damaged or truncated archive \(no end mark\)$"):
        read()


def test_missing_folder_is_named(root: Path, read: Read) -> None:
    with pytest.raises(FileNotFoundError, match=f"^{root}: no such folder$"):
        read()


def test_missing_variable_is_named(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOURIERCONV_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=r"^FOURIERCONV_DATA is not set: let it name the folder"):
        read()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/data"])
def test_name_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name must be that of a folder in \$FOURIERCONV_DATA, got"):
        Photos(name, size=32)


@pytest.mark.parametrize("size", [0, -1, 32.0, True])
def test_size_that_is_no_positive_integer_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="size must be a positive integer, got"):
        Photos("pets", size=size)
