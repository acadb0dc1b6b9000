"""What the tutorial shows of a network that was converted, trained and exported: sizes, bounds, accuracy and time."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from fourierconv import to_conv
from fourierconv.export import Exported
from fourierconv.layers import fourier_layers
from fourierconv.study import comparisons
from fourierconv.study.data import ImageSet, normalise
from fourierconv.study.experiments import own_network
from fourierconv.study.frames import Runs
from fourierconv.study.models import convolutions, layer_extent
from fourierconv.study.statistics import UNCHECKED
from fourierconv.study.training import accuracy

BATCH = 32  # images per measurement of time
POINTS = "{mean:+.1f} [{low:.1f}, {high:.1f}]"  # differences


def networks(runs: Runs) -> dict[str, nn.Module]:
    """Return the trained networks of runs of `own_network`, of one seed and width, by method, from their weights.

    Raises StudyError where weights are missing or damaged.
    """
    return {
        run.config.method: own_network.network(run.config, runs.store.weights(own_network, run.config))
        for run in runs.results
    }


def trainings(runs: Runs) -> pd.DataFrame:
    """The accuracies of every run of `own_network`, and the seconds of one core that its training took."""
    seconds = [run.provenance["duration_s"] for run in runs.results]
    return runs.rows[["widths", "method", "seed", "accuracy", "train_accuracy"]].assign(seconds=seconds)


def gains(rows: pd.DataFrame) -> pd.DataFrame:
    """What conversion does to every network of a table of `own_network`: means over seeds, and paired differences.

    A row per network, as texts: accuracy on unseen fonts as it was, converted and exported, and by how many points the
    converted one is above the original on training images and on unseen fonts, with the verdict.

    >>> seeds = pd.DataFrame({"widths": "8-16", "size": 64, "seed": [0, 1] * 2, "train_accuracy": [50.0] * 4})
    >>> seeds["method"] = ["original"] * 2 + ["converted"] * 2
    >>> seeds["accuracy"], seeds["exported_accuracy"] = [80.0, 81.0, 82.0, 83.0], [None, None, 82.0, 83.0]
    >>> gains(seeds).loc[0, ["original", "converted", "exported", "unseen fonts"]].tolist()
    ['80.5', '82.5', '82.5', '+2.0 [2.0, 2.0]']
    """
    found = []
    for widths, own in rows.groupby("widths", sort=False):
        accuracy = own.groupby("method")["accuracy"].mean()
        exported = own.loc[own["method"] == "converted", "exported_accuracy"].astype(float).mean()
        (fit,) = comparisons.means(
            comparisons.differences(own, "train_accuracy", "original"), "difference", ["method"]
        ).to_dict("records")
        (unseen,) = comparisons.verdicts(own, "original").to_dict("records")
        found.append(
            {
                "widths": widths,
                "original": f"{accuracy['original']:.1f}",
                "converted": f"{accuracy['converted']:.1f}",
                "exported": f"{exported:.1f}",
                "training images": POINTS.format(**fit),
                "unseen fonts": POINTS.format(**unseen),
                "verdict": f"{unseen['verdict']}, {UNCHECKED}",
            }
        )
    return pd.DataFrame(found)


@torch.no_grad()
def largest_difference(one: nn.Module, other: nn.Module, images: np.ndarray) -> float:
    """The largest difference of two networks' outputs on images, uint8, relative to the largest output of the first.

    >>> largest_difference(nn.Flatten(), nn.Flatten(), np.full((1, 1, 32, 32), 255, np.uint8))
    0.0
    """
    inputs = torch.from_numpy(normalise(images))
    expected, found = (model.eval()(inputs) for model in (one, other))
    return float((found - expected).abs().max() / expected.abs().max())


@torch.no_grad()
def extents(before: nn.Module, after: nn.Module) -> pd.DataFrame:
    """Extents of output channels, the mean over their kernels and axes, in pixels of the layer's input.

    A row per channel, with `layer`, counted from 1, and the extents in two states of a network, `before` and `after`.

    >>> len(extents(nn.Conv2d(1, 4, 3), nn.Conv2d(1, 4, 5)))
    4
    """
    frames = []
    for number, pair in enumerate(zip(convolutions(before), convolutions(after), strict=True), 1):
        sides = {name: layer_extent(layer).mean((1, 2)) for name, layer in zip(("before", "after"), pair, strict=True)}
        frames.append(pd.DataFrame({"layer": number, **{name: side.numpy() for name, side in sides.items()}}))
    return pd.concat(frames, ignore_index=True)


def layer_ranges(sizes: pd.DataFrame) -> pd.DataFrame:
    """What `extents` holds of each layer: the mean before, and the mean, the least and the largest after.

    >>> layer_ranges(pd.DataFrame({"layer": [1, 1], "before": [3.0, 3.0], "after": [2.0, 6.0]})).loc[1].tolist()
    [3.0, 4.0, 2.0, 6.0]
    """
    layers = sizes.groupby("layer")
    before, after = layers["before"].mean(), layers["after"]
    return pd.DataFrame({"before": before, "after": after.mean(), "smallest": after.min(), "largest": after.max()})


def report(exported: Sequence[Exported]) -> pd.DataFrame:
    """The rows that `to_conv` returns for a model, as a table of texts.

    >>> report([Exported("0", (11, 9), (5, 5), 0.00123, 0.001)]).loc[0].tolist()
    ['0', '5×5', '11×9', '1.2e-03', '1.0e-03']
    """
    return pd.DataFrame(
        [
            {
                "name": row.name,
                "coefficients": "×".join(map(str, row.coefficients)),
                "taps": "×".join(map(str, row.kernel_size)),
                "bound": f"{row.bound:.1e}",
                "worst error found": f"{row.error:.1e}",
            }
            for row in exported
        ]
    )


def exports(model: nn.Module, tolerances: Sequence[float]) -> pd.DataFrame:
    """Export every Fourier layer of a model at every tolerance: `tolerance`, `layer`, taps per axis, `bound`.

    `taps` is the mean over axes, which may differ by a few.

    >>> from fourierconv import FourierConv2d
    >>> exports(FourierConv2d(1, 2, 3), [0.01])[["layer", "taps"]].to_dict("records")
    [{'layer': 1, 'taps': 3.0}]
    """
    rows = []
    for number, layer in enumerate(fourier_layers(model), 1):
        for tolerance in tolerances:
            conv: Any
            conv, bound = to_conv(layer, tolerance)
            rows.append({"tolerance": tolerance, "layer": number, "taps": np.mean(conv.kernel_size), "bound": bound})
    return pd.DataFrame(rows)


def accuracies(compared: Mapping[str, nn.Module], images: ImageSet) -> pd.DataFrame:
    """Test accuracy in percent, a row per network.

    >>> drawn = np.zeros((8, 1, 32, 32), np.uint8)
    >>> letters = ImageSet(drawn, np.arange(8) % 2, drawn, np.zeros(8, np.int64), classes=("A", "B"))
    >>> accuracies({"constant": nn.Sequential(nn.Flatten(), nn.Softmax(1))}, letters).to_dict("records")
    [{'network': 'constant', 'accuracy': 100.0}]
    """
    return pd.DataFrame(
        [
            {"network": name, "accuracy": accuracy(model, images.test_images, images.test_labels)}
            for name, model in compared.items()
        ]
    )


def side_by_side(compared: Mapping[str, nn.Module], images: ImageSet, rounds: int = 9) -> pd.DataFrame:
    """Compare networks in one run: test accuracy in percent, and milliseconds for a batch of `BATCH` images.

    Networks take turns, so that what else the machine does meets all of them. A row per network with `accuracy`
    and, for a forward pass and for one with its backward pass, the median over the rounds, with its quartiles, as text.

    >>> drawn = np.zeros((8, 1, 32, 32), np.uint8)
    >>> letters = ImageSet(drawn, np.arange(8) % 2, drawn, np.zeros(8, np.int64), classes=("A", "B"))
    >>> compared = {"linear": nn.Sequential(nn.Flatten(), nn.Linear(1024, 2))}
    >>> side_by_side(compared, letters, rounds=3).columns.tolist()
    ['network', 'accuracy', 'forward (ms)', 'and backward (ms)']
    """
    inputs = torch.from_numpy(normalise(images.test_images[:BATCH]))
    labels = torch.from_numpy(images.test_labels[:BATCH])
    table = accuracies(compared, images)
    turns = [{name: _times(model, inputs, labels) for name, model in compared.items()} for _ in range(rounds + 1)]
    for place, column in enumerate(("forward (ms)", "and backward (ms)")):
        table[column] = [_median([turn[name][place] for turn in turns[1:]]) for name in table["network"]]
    return table


def _times(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Milliseconds of a forward pass without gradients, and of one with gradients and its backward pass."""
    start = time.perf_counter()
    with torch.no_grad():
        model(inputs)
    middle = time.perf_counter()
    F.cross_entropy(model(inputs), labels).backward()
    end = time.perf_counter()
    model.zero_grad()
    return 1000 * (middle - start), 1000 * (end - middle)


def _median(values: Sequence[float]) -> str:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.0f} [{low:.0f}, {high:.0f}]"
