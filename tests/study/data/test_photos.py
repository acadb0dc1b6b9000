import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fourierconv.study.data import ImageSet, Photos, load
from fourierconv.study.data.official import OFFICIAL, Official
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
    with pytest.raises(ValueError, match=f"^{root}: no .jpg, .jpeg, .png or .ppm images in val/bee$"):
        read()


def test_image_in_two_shards_is_named(root: Path, read: Read) -> None:
    write_shards(root, data_set())
    write_archive(root / "pets-2.tar", {"train/cat/b.jpg": b""})
    with pytest.raises(ValueError, match=r"pets-2.tar:./train/cat/b.jpg: also at .*pets-0.tar:./train/cat/b.jpg$"):
        read()


@pytest.mark.parametrize("name", ["pets.tar", "pets.tar.gz", "pets.tgz"])
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
    message = f"^{root}: no such folder; FOURIERCONV_DATA names the one that holds pets$"
    with pytest.raises(FileNotFoundError, match=message):
        read()


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_the_folder_is_in_the_cache(
    tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("FOURIERCONV_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("FOURIERCONV_DATA", value)
    root = tmp_path / "cache" / "originals" / "pets"
    with pytest.raises(FileNotFoundError, match=f"^{root}: no such folder; FOURIERCONV_DATA names"):
        read()
    write_folder(root, data_set())
    assert len(read().train_images) == 4


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> Official:
    """Makes `pets` a set with an official file."""
    known = Official("https://example.org/pets-9.tgz", 9, sha256="0", train=4, test=2)
    monkeypatch.setitem(OFFICIAL, "pets", known)
    return known


@pytest.mark.parametrize("found", [[], ["pets-9.tgz.part"]])
def test_a_set_that_is_not_there_says_how_to_download_it(
    root: Path, read: Read, official: Official, found: list[str]
) -> None:
    write_folder(root, dict.fromkeys(found, b""))
    message = (
        f"{root}: no copy of pets; let FOURIERCONV_DATA name a folder that holds one, "
        "or download it: python -m fourierconv.study data --only pets"
    )
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        read()


def test_a_local_copy_of_an_official_set_is_read(root: Path, read: Read, official: Official) -> None:
    write_shards(root, data_set())
    assert len(read().train_images) == 4


def test_a_local_copy_that_lacks_a_shard_is_named(root: Path, read: Read, official: Official) -> None:
    write_shards(root, data_set())
    (root / "pets-1.tar.gz").unlink()
    message = f"^{root}: 2 training and 1 test images, but pets has 4 and 2$"
    with pytest.raises(ValueError, match=message):
        read()


def test_another_file_with_the_official_name_is_named(root: Path, read: Read, official: Official) -> None:
    write_archive(root / official.name, data_set())
    message = rf"^{root / official.name}: \d+ bytes, but {official.url} has 9$"
    with pytest.raises(ValueError, match=message):
        read()


def test_fewer_training_images_are_the_first_of_more(root: Path, tmp_path: Path) -> None:
    write_folder(root, data_set())
    one, three, every = (load(Photos("pets", 32, train=count), tmp_path / "cache") for count in (1, 3, None))
    assert np.array_equal(one.train_images, three.train_images[:1])
    assert sorted(np.bincount(three.train_labels)) == [1, 2]
    rows = {image.tobytes(): label for image, label in zip(every.train_images, every.train_labels, strict=True)}
    assert [rows[image.tobytes()] for image in three.train_images] == three.train_labels.tolist()
    assert np.array_equal(three.test_images, every.test_images)


def test_all_training_images_by_number_keep_their_labels(root: Path, tmp_path: Path) -> None:
    write_folder(root, data_set())
    four, every = (load(Photos("pets", 32, train=count), tmp_path / "cache") for count in (4, None))
    rows = {image.tobytes(): label for image, label in zip(every.train_images, every.train_labels, strict=True)}
    assert [rows[image.tobytes()] for image in four.train_images] == four.train_labels.tolist()


def test_validation_comes_from_the_training_split_and_the_test_is_not_decoded(root: Path, tmp_path: Path) -> None:
    files = {
        f"{split}/{kind}/{number}.png": encoded("1.png", picture(32, 32, 9 * number + 99 * (kind == "cat")))
        for split in ("train", "val")
        for kind in ("ant", "cat")
        for number in range(10)
    }
    write_folder(root, files | {"val/ant/3.png": b"damaged"})
    held = load(Photos("pets", 32, validation=True), tmp_path / "cache")
    assert np.bincount(held.train_labels).tolist() == [8, 8]
    assert np.bincount(held.test_labels).tolist() == [2, 2]
    tints = sorted([*held.train_images[:, 2, 0, 0], *held.test_images[:, 2, 0, 0]])
    assert tints == sorted(9 * number + offset for number in range(10) for offset in (0, 99))
    assert [tint >= 99 for tint in held.test_images[:, 2, 0, 0]] == [False, False, True, True]


def test_more_training_images_than_there_are_is_refused(root: Path, tmp_path: Path) -> None:
    write_folder(root, data_set())
    with pytest.raises(ValueError, match=r"^train must be at most 4, the number of training images, got 5$"):
        load(Photos("pets", 32, train=5), tmp_path / "cache")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/data"])
def test_name_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name must be that of a folder in \$FOURIERCONV_DATA, got"):
        Photos(name, size=32)


@pytest.mark.parametrize("size", [0, -1, 32.0, True])
def test_size_that_is_no_positive_integer_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="size must be a positive integer, got"):
        Photos("pets", size=size)


@pytest.mark.parametrize("train", [0, -1, 32.0, True])
def test_number_of_images_that_is_no_positive_integer_is_refused(train: int) -> None:
    with pytest.raises(ValueError, match="train must be a positive integer, got"):
        Photos("pets", size=32, train=train)
