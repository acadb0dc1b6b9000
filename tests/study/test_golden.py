"""Golden outputs of the parts whose numbers reach the tables.

When one of these fails, results of earlier runs are no longer those of the present code: raise the part's number in
`fourierconv.study.numerics`, run the study again, and put the new values here. They hold to well above rounding.
"""

from typing import Any

import numpy as np
import pytest
import torch

from fourierconv import FourierConv2d
from fourierconv.study import methods
from fourierconv.study.data import ImageSet
from fourierconv.study.models import ConvNet
from fourierconv.study.numerics import LAYERS, TRAINING
from fourierconv.study.training import fit, train_classifier

SCALES: dict[str, Any] = {"window": {"scale": 1.7}, "scaled": {"scale": 1.7}}
LAYER_GOLDEN = {
    (1, "spatial"): (22.4039130315, -2.46427161158, 4.73465758193),
    (1, "spectral"): (4.69067436311, 1.88642073958, 4.51873359746),
    (1, "spline"): (3.860310254, 1.29351207583, 4.37663362666),
    (1, "window"): (9.93711385646, -2.80240081317, 4.32635772225),
    (1, "scaled"): (1.20030250611, -3.16240676748, 8.36950394038),
}
CLASSIFIER_GOLDEN = {(1, "conv2d_5"): 0.677695, (1, "window"): 0.677978, (1, "scaled_channel"): 0.528779}
REGRESSION_GOLDEN = {1: 0.398565}


def wave(*shape: int) -> torch.Tensor:
    """Numbers that need no random generator."""
    return torch.arange(int(np.prod(shape)), dtype=torch.float64).mul(0.7).sin().view(shape)


@pytest.mark.parametrize("name", [name for _, name in LAYER_GOLDEN])
def test_layers(name: str) -> None:
    layer = FourierConv2d(
        1,
        2,
        5,
        padding=2,
        bias=False,
        dtype=torch.float64,
        tolerance=1e-3,
        parameterization=name,
        **SCALES.get(name, {}),
    )
    with torch.no_grad():
        layer.coefficients.copy_(wave(2, 1, 5, 5))
    output = layer(wave(1, 1, 12, 13)).detach()
    found = (float(output.square().mean()), float(output[0, 1, 3, 4]), float(layer.extent().mean()))
    assert found == pytest.approx(LAYER_GOLDEN[LAYERS, name], rel=1e-9)


def stripes(count: int) -> ImageSet:
    images = ((wave(count, 1, 16, 16) + 1) * 127).to(torch.uint8).numpy()
    labels = np.arange(count) % 2
    return ImageSet(images, labels, images, labels, classes=("even", "odd"))


@pytest.mark.parametrize("name", [name for _, name in CLASSIFIER_GOLDEN])
def test_training_of_a_classifier(name: str) -> None:
    torch.manual_seed(0)
    model = ConvNet(methods.get(name), channels=1, widths=(3, 4, 5), classes=2)
    history = train_classifier(model, stripes(32), epochs=2, batch=8, lr=0.003, seed=0, report=lambda line: None)
    assert history[-1]["loss"] == pytest.approx(CLASSIFIER_GOLDEN[TRAINING, name], rel=1e-4)


def test_training_of_a_regression() -> None:
    torch.manual_seed(0)
    student = methods.get("scaled_layer").layer(1, 2, "circular")
    inputs, targets = wave(8, 1, 16, 16).float(), wave(8, 2, 16, 16).float()
    losses = fit(student, inputs, targets, steps=12, batch=4, lr=0.01, seed=0)
    assert losses[-1] == pytest.approx(REGRESSION_GOLDEN[TRAINING], rel=1e-4)
