"""Does learning the kernels' size help as images grow? The same network and schedule at every size of the letters.

This is the quick profile's experiment; what the full one runs is in `fourierconv.study.protocol`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fourierconv.study import methods
from fourierconv.study.choices import require_known, require_seeds
from fourierconv.study.data import Letters, load
from fourierconv.study.data.letters import NUMERICS as LETTERS
from fourierconv.study.models import ConvNet, extents, scales
from fourierconv.study.numerics import LAYERS, TRAINING
from fourierconv.study.store import Outcome, StudyError, build_folder
from fourierconv.study.training import accuracy, train_classifier

NAME = "image_size"
NUMERICS = {"layers": LAYERS, "letters": LETTERS, "training": TRAINING, NAME: 1}
METHODS = ("conv2d_5", "conv2d_11", "spectral", "spline", "window", "scaled_layer", "scaled_channel")
LAYER_COUNT = 3


@dataclass(frozen=True)
class Config:
    """One training: a contender, an image size and a seed, under the budget of a profile.

    The letters are the same for every seed; the seed draws the weights and the order of the batches.
    """

    size: int
    method: str
    seed: int
    classes: int
    train: int
    test: int
    widths: tuple[int, ...]
    epochs: int
    batch: int = 16
    lr: float = 0.003


# Chosen for conv2d 5×5 alone, on letters set aside (train fonts, another seed): of the rates 0.001, 0.003 and 0.01 the
# middle one was best on average over 32 and 64 px; 4 classes are what that network learns at 32 px in quick's budget.
BUDGETS = {
    "quick": {"classes": 4, "train": 1024, "test": 480, "widths": (8, 16, 32), "epochs": 8},
}
SEEDS = {"quick": 3}
SIZES = (32, 64, 128)


def configs(profile: str, sizes: Sequence[int] = SIZES, seeds: int | None = None) -> list[Config]:
    """The sweep of a profile, or the part of it, or the extension, that the arguments name.

    Args:
        profile: 'quick'.
        sizes: of the images, in pixels.
        seeds: how many, counted from 0; by default the profile's number.

    Raises:
        StudyError: an unknown profile, a size outside 32 to 512, no seed.

    >>> len(configs("quick"))
    63
    """
    require_known("profile", [profile], BUDGETS)
    count = SEEDS[profile] if seeds is None else seeds
    require_seeds(count)
    for size in sizes:
        if not 32 <= size <= 512:
            raise StudyError(f"size {size} must be from 32 to 512 pixels")
    budget: Any = BUDGETS[profile]
    return [
        Config(size=size, method=method, seed=seed, **budget)
        for size in sizes
        for method in METHODS
        for seed in range(count)
    ]


def cost(config: Config) -> float:
    """Relative time of a run, for the order of the sweep."""
    return float(config.size**2 * config.train * config.epochs * sum(config.widths))


def run(config: Config, report: Callable[[str], None]) -> Outcome:
    """Train one network and test it on letters in fonts it has never seen."""
    letters = load(Letters(config.size, config.classes, config.train, config.test), build_folder() / "data")
    torch.manual_seed(config.seed)
    model = ConvNet(methods.get(config.method), letters.channels, config.widths, config.classes)
    history = train_classifier(
        model,
        letters,
        epochs=config.epochs,
        batch=config.batch,
        lr=config.lr,
        seed=config.seed,
        report=report,
    )
    metrics = {
        "accuracy": accuracy(model, letters.test_images, letters.test_labels),
        "train_accuracy": history[-1]["train_accuracy"],
        "extents": extents(model),
        "scales": scales(model),
        "bounded": sum(entry["bounded"] for entry in history),
    }
    return Outcome(metrics, history, dict(model.state_dict()))


columns = (
    "dataset",
    "size",
    "method",
    "seed",
    "kernel_size",
    "scale_per",
    "accuracy",
    "train_accuracy",
    *(f"extent_{layer}" for layer in range(1, LAYER_COUNT + 1)),
    *(f"scale_{layer}" for layer in range(1, LAYER_COUNT + 1)),
    "bounded",
)


def rows(config: Config, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The run's row of the table; extents and scales in pixels of each layer's input, accuracies in percent."""
    method = methods.get(config.method)
    numbered = {
        f"{name}_{layer}": value for name in ("extent", "scale") for layer, value in enumerate(metrics[f"{name}s"], 1)
    }
    return [
        {
            "dataset": "letters",
            "size": config.size,
            "method": config.method,
            "seed": config.seed,
            "kernel_size": method.kernel_size,
            "scale_per": method.scale_per,
            **{name: metrics[name] for name in ("accuracy", "train_accuracy", "bounded")},
            **numbered,
        }
    ]


def network(config: Config, weights: dict[str, torch.Tensor]) -> ConvNet:
    """The trained network of a run, from the weights that it left."""
    model = ConvNet(methods.get(config.method), 1, config.widths, config.classes)
    model.load_state_dict(weights)
    return model.eval()
