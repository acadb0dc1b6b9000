"""Embedded data: capital letters over 1/f clouds, a true image at any size from 32 to 512 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Literal

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform

from fourierconv.study.data.cache import cached
from fourierconv.study.data.clouds import cloud
from fourierconv.study.data.fonts import REST_FONTS, TEST_FONTS, TRAIN_FONTS, VALIDATION_FONTS, outline
from fourierconv.study.data.images import ImageSet

Split = Literal["train", "test"]

NUMERICS = 1  # part of the cache key: raise it whenever a drawing may come out different

# Without O, which differs from D, G and Q by a stroke, and without I, in sans serif a bar without a shape.
CLASSES = "ABCDEFGHJKLMNPQRSTUVWXYZ"
FONTS: dict[Split, tuple[str, ...]] = {"train": TRAIN_FONTS, "test": TEST_FONTS}
HELD_OUT: dict[Split, tuple[str, ...]] = {"train": REST_FONTS, "test": VALIDATION_FONTS}
SPLITS: dict[Split, int] = {"train": 0, "test": 1}  # as numbers, for the seeds

ROTATION = 25.0  # degrees to either side; two letters never differ by 90, which would turn N into Z
SIDE = (0.40, 0.75)  # longer side of the letter, share of the image; 0.75 still fits when turned
MIXED_SIDES = (SIDE[1] / 8, SIDE[1])  # three octaves, with as many letters in each
CONTRAST = (0.30, 0.70)  # letter minus background, share of the grey range, either sign
CLOUDINESS = 0.025  # amplitude of the cloud's modes at one cycle per image, share of the grey range
CHUNK = 64  # images drawn before they are written


@dataclass(frozen=True)
class Letters:
    """A data set of letters: `size` in pixels, the first `classes` of A-Z without I and O, images per split.

    `sides` bounds the letter's longer side, as a share of the image; its logarithm is uniform in between. With
    `validation` the test split is one for choosing hyperparameters: in four training fonts that the training
    split then leaves out, so it measures what the test does, reading unseen designs, and the test stays unseen.

    Raises `ValueError` for a value out of range: size 32 to 512, classes 2 to 24, at least one image per
    class in either split, seed 0 to 2³² - 1, 0 < sides[0] <= sides[1] <= 0.75.

    >>> Letters(size=64, classes=8, train=800, test=160)
    Letters(size=64, classes=8, train=800, test=160, seed=0, sides=(0.4, 0.75), validation=False)
    """

    size: int
    classes: int = 24
    train: int = 6000
    test: int = 1200
    seed: int = 0
    sides: tuple[float, float] = SIDE
    validation: bool = False

    def __post_init__(self) -> None:
        _require("size", self.size, 32, 512)
        _require("classes", self.classes, 2, len(CLASSES))
        _require("train", self.train, self.classes, 10**6)
        _require("test", self.test, self.classes, 10**6)
        _require("seed", self.seed, 0, 2**32 - 1)
        low, high = self.sides
        if not 0 < low <= high <= SIDE[1]:
            raise ValueError(f"sides must be two numbers, 0 < low <= high <= {SIDE[1]}, got {self.sides!r}")


def _require(name: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} must be an integer from {low} to {high}, got {value!r}")


def load_letters(data: Letters, cache_folder: FilePath) -> ImageSet:
    """Draw the letters, or map the ones drawn before from `cache_folder`; images are (n, 1, size, size).

    Labels repeat 0, 1, …, classes - 1, so the classes are balanced to within one image. Raises `OSError`
    naming the path where the folder cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     letters = load_letters(Letters(size=32, classes=4, train=40, test=8), FilePath(folder))
    >>> letters.train_images.shape, letters.test_labels.tolist(), letters.classes
    ((40, 1, 32, 32), [0, 1, 2, 3, 0, 1, 2, 3], ('A', 'B', 'C', 'D'))
    """
    return ImageSet(
        train_images=_images(data, "train", data.train, cache_folder),
        train_labels=np.arange(data.train) % data.classes,
        test_images=_images(data, "test", data.test, cache_folder),
        test_labels=np.arange(data.test) % data.classes,
        classes=tuple(CLASSES[: data.classes]),
    )


def _images(data: Letters, split: Split, count: int, cache_folder: FilePath) -> np.ndarray:
    kind = "" if data.sides == SIDE else f"-sides{data.sides[0]}-{data.sides[1]}"
    kind += "-validation" if data.validation else ""
    name = f"letters-v{NUMERICS}-size{data.size}-classes{data.classes}-seed{data.seed}{kind}-{split}{count}.npy"
    shape = (count, 1, data.size, data.size)
    return cached(cache_folder / name, shape, lambda: _chunks(data, split, count))


def _chunks(data: Letters, split: Split, count: int) -> Iterator[np.ndarray]:  # (at most CHUNK, 1, size, size)
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        yield np.stack([draw(data, split, index)[None] for index in range(start, stop)])


def draw(data: Letters, split: Split, index: int) -> np.ndarray:  # (size, size) uint8
    """Draw one image; it does not depend on how many images there are.

    The scene is grey = 1/2 + contrast·(inside - 1/2) + cloud, in the unit square, where `inside` is 1 in the
    letter and 0 elsewhere. Another size samples the same scene: each pixel takes the share of its area that
    the letter covers, and the cloud below the Nyquist frequency.

    >>> small, large = (draw(Letters(size), "test", 5) for size in (32, 64))
    >>> halved = large.reshape(32, 2, 32, 2).mean((1, 3))
    >>> bool(np.corrcoef(small.ravel(), halved.ravel())[0, 1] > 0.98)
    True
    """
    number = SPLITS[split] + (len(SPLITS) if data.validation else 0)
    rng = np.random.default_rng(np.random.SeedSequence(data.seed, spawn_key=(number, index)))
    fonts = (HELD_OUT if data.validation else FONTS)[split]
    glyph = outline(fonts[rng.integers(len(fonts))], CLASSES[index % data.classes])
    contrast = rng.uniform(*CONTRAST) * rng.choice([-1.0, 1.0])
    inside = _coverage(_place(glyph, data.sides, rng), data.size)
    grey = 0.5 + contrast * (inside - 0.5) + CLOUDINESS * cloud(rng, data.size)
    return np.rint(255 * np.clip(grey, 0, 1)).astype(np.uint8)


def _place(glyph: Path, sides: tuple[float, float], rng: np.random.Generator) -> Path:
    """The glyph turned, scaled and moved at random, whole inside the unit square."""
    angle = np.deg2rad(rng.uniform(-ROTATION, ROTATION))
    side = np.exp(rng.uniform(*np.log(sides)))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = side * np.asarray(glyph.vertices) @ turn
    low, high = points.min(axis=0), points.max(axis=0)
    return Path(points - low + rng.uniform(0, 1, size=2) * (1 - (high - low)), glyph.codes)


def _coverage(shape: Path, size: int) -> np.ndarray:  # (size, size) float64
    """The share of each pixel's area inside the shape, which is given in the unit square."""
    renderer = RendererAgg(size, size, 72)
    context = renderer.new_gc()
    context.set_linewidth(0)
    context.set_snap(False)
    black = (0.0, 0.0, 0.0)
    renderer.draw_path(context, Path(size * np.asarray(shape.vertices), shape.codes), IdentityTransform(), black)
    return np.asarray(renderer.buffer_rgba())[..., 3] / 255.0
