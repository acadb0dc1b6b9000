"""A network of nn.Conv2d in torch alone: trained as it is, and trained after its layers were converted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fourierconv import convert, to_conv
from fourierconv.study.choices import require_known, require_seeds
from fourierconv.study.data import ImageSet, Letters, load
from fourierconv.study.data.letters import NUMERICS as LETTERS
from fourierconv.study.models import extents, scales
from fourierconv.study.numerics import LAYERS, TRAINING
from fourierconv.study.store import Outcome, StudyError, build_folder
from fourierconv.study.training import accuracy, train_classifier

NAME = "own_network"
NUMERICS = {"layers": LAYERS, "letters": LETTERS, "training": TRAINING, NAME: 1}
METHODS = ("original", "converted")
CONVERSION: dict[str, Any] = {"parameterization": "scaled", "scale_per": "channel"}
TOLERANCE = 1e-2  # of the export
LAYER_COUNT = 4
CONVERTED_COSTS = 5  # as much as the original one, about


@dataclass(frozen=True)
class Config:
    """One training of the network, 'original' or 'converted', from the weights that the seed draws."""

    method: str
    seed: int
    size: int
    classes: int
    train: int
    test: int
    widths: tuple[int, ...]
    epochs: int
    batch: int = 16
    lr: float = 0.003


BUDGETS = {
    "quick": {"size": 64, "classes": 4, "train": 1024, "test": 480, "epochs": 8},
    "full": {"size": 64, "classes": 24, "train": 6000, "test": 1200, "epochs": 12},
}
WIDTHS = {"quick": ((8, 16, 16, 16), (8, 16, 32, 32)), "full": ((16, 32, 32, 32), (16, 32, 64, 64))}  # narrow, wide
SEEDS = {"quick": 3, "full": 8}


def configs(profile: str, widths: Sequence[tuple[int, ...]] | None = None, seeds: int | None = None) -> list[Config]:
    """Both trainings of the profile's networks, or of those that are named.

    Args:
        profile: 'quick' or 'full'.
        widths: the layers' output channels, for every network; by default the profile's narrow and wide ones.
        seeds: how many, counted from 0; by default the profile's number.

    Raises:
        StudyError: an unknown profile, another number of layers, no seed.

    >>> len(configs("quick"))
    12
    """
    require_known("profile", [profile], BUDGETS)
    networks = WIDTHS[profile] if widths is None else tuple(map(tuple, widths))
    for network in networks:
        if len(network) != LAYER_COUNT:
            raise StudyError(f"widths {network} must be {LAYER_COUNT} numbers of channels")
    count = SEEDS[profile] if seeds is None else seeds
    require_seeds(count)
    budget: Any = BUDGETS[profile]
    return [
        Config(method=method, seed=seed, widths=network, **budget)
        for network in networks
        for method in METHODS
        for seed in range(count)
    ]


def cost(config: Config) -> float:
    """Relative time of a run, for the order of the sweep."""
    products = config.size**2 * config.train * config.epochs * sum(config.widths)
    return float(products * (1 if config.method == "original" else CONVERTED_COSTS))


def classic(widths: tuple[int, ...], classes: int) -> nn.Sequential:
    """3×3 convolutions with batch norm and ReLU, 2×2 max pooling between them, global average pooling, linear.

    >>> classic((4, 8), classes=3)(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 3])
    """
    modules: list[nn.Module] = []
    channels = 1
    for width in widths:
        if modules:
            modules.append(nn.MaxPool2d(2))
        modules += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def start(config: Config) -> nn.Module:
    """The network of a run before training; of one seed, 'original' and 'converted' compute the same."""
    torch.manual_seed(config.seed)
    model = classic(config.widths, config.classes)
    return convert(model, **CONVERSION) if config.method == "converted" else model


def images(config: Config) -> ImageSet:
    """The letters of a run; fonts of the test are never seen in training."""
    return load(Letters(config.size, config.classes, config.train, config.test), build_folder() / "data")


def run(config: Config, report: Callable[[str], None]) -> Outcome:
    """Train one network, test it, and test what it is exported to."""
    letters = images(config)
    model = start(config)
    history = train_classifier(
        model,
        letters,
        epochs=config.epochs,
        batch=config.batch,
        lr=config.lr,
        seed=config.seed,
        report=report,
    )
    exported = to_conv(model, TOLERANCE)[0] if config.method == "converted" else None
    metrics = {
        "accuracy": accuracy(model, letters.test_images, letters.test_labels),
        "exported_accuracy": exported and accuracy(exported, letters.test_images, letters.test_labels),
        "train_accuracy": history[-1]["train_accuracy"],
        "extents": extents(model),
        "scales": scales(model),
        "bounded": sum(entry["bounded"] for entry in history),
    }
    return Outcome(metrics, history, dict(model.state_dict()))


columns = (
    "dataset",
    "size",
    "widths",
    "method",
    "seed",
    "accuracy",
    "exported_accuracy",
    "train_accuracy",
    *(f"extent_{layer}" for layer in range(1, LAYER_COUNT + 1)),
    *(f"scale_{layer}" for layer in range(1, LAYER_COUNT + 1)),
    "bounded",
)


def joined(widths: tuple[int, ...]) -> str:
    """Write the widths of a network as the table holds them.

    >>> joined((8, 16, 16, 16))
    '8-16-16-16'
    """
    return "-".join(map(str, widths))


def rows(config: Config, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The run's row; extents and scales in pixels of each layer's input, accuracies in percent."""
    numbered = {
        f"{name}_{layer}": value for name in ("extent", "scale") for layer, value in enumerate(metrics[f"{name}s"], 1)
    }
    measured = {name: metrics[name] for name in ("accuracy", "exported_accuracy", "train_accuracy", "bounded")}
    return [
        {
            "dataset": "letters",
            "size": config.size,
            "widths": joined(config.widths),
            "method": config.method,
            "seed": config.seed,
            **measured,
            **numbered,
        }
    ]


def network(config: Config, weights: dict[str, Tensor]) -> nn.Module:
    """The trained network of a run, from the weights that it left."""
    model = start(config)
    model.load_state_dict(weights)
    return model.eval()
