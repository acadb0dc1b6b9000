import hashlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as MatplotlibPath

from fourierconv.study.data import Letters, letters, load
from fourierconv.study.data.fonts import REST_FONTS, TEST_FONTS, TRAIN_FONTS, VALIDATION_FONTS, outline
from fourierconv.study.data.letters import CLASSES, FONTS, MIXED_SIDES, NUMERICS, SIDE, Split, draw

GOLDEN = {1: "360d8092fa661fd57fa37112fa3b231bbe1909d771feaa0dbecbe1e0a1c5c4bd"}  # sha256, by NUMERICS
GOLDEN_MIXED = {1: "1f69f14af5b7f36d5f472350211f28ad8ae9993f7b7aad105ad610019132521b"}

BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"size": 31}, "size must be an integer from 32 to 512, got 31"),
    ({"size": 513}, "size must be an integer from 32 to 512, got 513"),
    ({"size": 64.0}, "size must be an integer from 32 to 512, got 64.0"),
    ({"size": 64, "classes": 1}, "classes must be an integer from 2 to 24, got 1"),
    ({"size": 64, "classes": 25}, "classes must be an integer from 2 to 24, got 25"),
    ({"size": 64, "train": 23}, "train must be an integer from 24 to 1000000, got 23"),
    ({"size": 64, "test": 0}, "test must be an integer from 24 to 1000000, got 0"),
    ({"size": 64, "seed": -1}, "seed must be an integer from 0 to 4294967295, got -1"),
    ({"size": 64, "seed": True}, "seed must be an integer from 0 to 4294967295, got True"),
    ({"size": 64, "sides": (0.0, 0.5)}, r"sides must be two numbers, 0 < low <= high <= 0.75, got \(0.0, 0.5\)"),
    ({"size": 64, "sides": (0.5, 0.4)}, r"sides must be two numbers, 0 < low <= high <= 0.75, got \(0.5, 0.4\)"),
    ({"size": 64, "sides": (0.5, 0.8)}, r"sides must be two numbers, 0 < low <= high <= 0.75, got \(0.5, 0.8\)"),
]

SCENES = st.tuples(st.sampled_from(["train", "test"]), st.integers(0, 10**6), st.integers(0, 2**32 - 1))


@pytest.mark.parametrize(("fields", "message"), BAD_FIELDS)
def test_bad_field_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Letters(**fields)


def test_drawings_are_those_that_results_were_computed_from() -> None:
    digest = hashlib.sha256()
    for split in FONTS:
        for index in range(24):
            digest.update(draw(Letters(48, seed=7), split, index).tobytes())
    assert GOLDEN.get(NUMERICS) == digest.hexdigest(), (
        "the drawings changed: raise NUMERICS in letters.py, which also redraws every cache, and add the hash here"
    )


def test_mixed_drawings_held_out_are_those_that_results_were_computed_from() -> None:
    digest = hashlib.sha256()
    for split in FONTS:
        for index in range(24):
            digest.update(draw(Letters(48, seed=7, sides=MIXED_SIDES, validation=True), split, index).tobytes())
    assert GOLDEN_MIXED.get(NUMERICS) == digest.hexdigest(), "the drawings changed: raise NUMERICS in letters.py"


@settings(deadline=None, max_examples=40)
@given(scene=SCENES, size=st.integers(32, 80))
def test_letter_covers_the_same_area_at_twice_the_size(scene: tuple[Split, int, int], size: int) -> None:
    split, index, seed = scene
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters, "CLOUDINESS", 0.0)
        coarse, fine = (draw(Letters(n, seed=seed), split, index).astype(float) for n in (size, 2 * size))
    # The renderer places points on 1/256 of a pixel and rounds shares to 1/255.
    assert abs(coarse - fine.reshape(size, 2, size, 2).mean((1, 3))).max() <= 4


@settings(deadline=None, max_examples=40)
@given(scene=SCENES, sides=st.sampled_from([SIDE, MIXED_SIDES]))
def test_letter_lies_whole_inside_the_image(scene: tuple[Split, int, int], sides: tuple[float, float]) -> None:
    split, index, seed = scene
    rng = np.random.default_rng(seed)
    for font in FONTS[split]:
        points = np.asarray(letters._place(outline(font, CLASSES[index % 24]), sides, rng).vertices)
        assert points.min() >= -1e-12
        assert points.max() <= 1 + 1e-12


def test_mixed_letters_have_three_octaves_of_sizes_alike() -> None:
    glyph = np.asarray(outline("cmr10", "A").vertices)
    sides = []
    for seed in range(600):
        placed = letters._place(outline("cmr10", "A"), MIXED_SIDES, np.random.default_rng(seed))
        first, second = np.asarray(placed.vertices)[:2]
        sides.append(np.linalg.norm(first - second) / np.linalg.norm(glyph[0] - glyph[1]))
    counts, _ = np.histogram(sides, 0.75 / 2.0 ** np.arange(3, -1, -1))
    assert sum(counts) == 600
    assert all(150 <= count <= 250 for count in counts)  # 4 standard deviations


@settings(deadline=None, max_examples=40)
@given(scene=SCENES, validation=st.booleans())
def test_a_split_draws_from_its_own_fonts_only(scene: tuple[Split, int, int], validation: bool) -> None:
    split, index, seed = scene
    used: list[str] = []

    def noted_outline(font: str, letter: str) -> MatplotlibPath:
        used.append(font)
        return outline(font, letter)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters, "outline", noted_outline)
        draw(Letters(32, seed=seed, validation=validation), split, index)
    held_out = {"train": REST_FONTS, "test": VALIDATION_FONTS}
    assert used[0] in (held_out if validation else {"train": TRAIN_FONTS, "test": TEST_FONTS})[split]


def test_scenes_differ_by_seed_split_and_index() -> None:
    pictures = [
        draw(Letters(32, seed=seed, validation=validation), split, index).tobytes()
        for seed in (0, 1, 2**32 - 1)
        for validation in (False, True)
        for split in FONTS
        for index in (0, 1, 24)
    ]
    assert len(set(pictures)) == 36


def test_letters_are_as_often_bright_as_dark() -> None:
    bright_background = [draw(Letters(32), "train", index)[[0, -1]].mean() > 127.5 for index in range(100)]
    assert 30 <= sum(bright_background) <= 70  # 99.99 % of all seeds


def test_classes_are_balanced_and_labels_match(tmp_path: Path) -> None:
    data = Letters(32, classes=5, train=23, test=10, seed=3)
    drawn = load(data, tmp_path)
    assert drawn.classes == ("A", "B", "C", "D", "E")
    assert drawn.channels == 1
    assert sorted(np.bincount(drawn.train_labels)) == [4, 4, 5, 5, 5]
    assert drawn.test_labels.tolist() == [0, 1, 2, 3, 4] * 2
    assert drawn.train_labels.dtype == drawn.test_labels.dtype == np.int64
    assert np.array_equal(drawn.train_images[22, 0], draw(data, "train", 22))
    assert np.array_equal(drawn.test_images[9, 0], draw(data, "test", 9))


def test_more_images_begin_with_the_same_ones(tmp_path: Path) -> None:
    few, many = (load(Letters(32, classes=2, train=train, test=2), tmp_path) for train in (3, 70))
    assert np.array_equal(few.train_images, many.train_images[:3])


def test_a_second_load_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Letters(32, classes=2, train=4, test=2)
    first = load(data, tmp_path)
    monkeypatch.delattr(letters, "draw")
    second = load(data, tmp_path)
    assert np.array_equal(first.train_images, second.train_images)
    assert not second.train_images.flags.writeable


def test_every_set_has_files_of_its_own(tmp_path: Path) -> None:
    sets = [
        Letters(32, classes=2, train=2, test=2, sides=sides, validation=validation)
        for sides in (SIDE, MIXED_SIDES)
        for validation in (False, True)
    ]
    drawn = [load(data, tmp_path) for data in sets]
    assert len({images.train_images.tobytes() for images in drawn}) == 4
    assert {path.name.removeprefix("letters-v1-size32-classes2-seed0") for path in tmp_path.iterdir()} == {
        f"{kind}-{split}2.npy"
        for kind in ("", "-validation", "-sides0.09375-0.75", "-sides0.09375-0.75-validation")
        for split in FONTS
    }


def test_two_processes_that_draw_at_once_leave_whole_files(tmp_path: Path) -> None:
    data = Letters(32, train=300, test=24)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        first, second = (future.result() for future in [pool.submit(load, data, tmp_path) for _ in range(2)])
    assert np.array_equal(first.train_images, second.train_images)
    assert np.array_equal(first.train_images[299, 0], draw(data, "train", 299))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npy", ".npy"]
