"""What learning the size costs: a layer of few scaled coefficients beside one of as many taps as it is large."""

import time

import torch

from fourierconv import FourierConv2d
from fourierconv.study.bench.bounds import logarithms
from fourierconv.study.statistics import Interval

EXTENT = 11  # pixels
COEFFICIENTS = 5  # per axis
CHANNELS, BATCH, SIZE = 32, 16, 64
ROUNDS = 15


def pair() -> tuple[FourierConv2d, FourierConv2d]:
    """A 'scaled' layer whose kernels have that extent in the median, and a 'spatial' one with as many taps."""
    torch.manual_seed(0)
    low, high = 1.0, 8.0
    scaled = FourierConv2d(CHANNELS, CHANNELS, COEFFICIENTS, padding="same", parameterization="scaled", scale=high)
    while high - low > 0.01:
        middle = (low + high) / 2
        assert scaled.scale is not None
        scaled.scale.data.fill_(middle)
        scaled.refresh()
        low, high = (middle, high) if float(scaled.extent().median()) < EXTENT else (low, middle)
    return scaled, FourierConv2d(CHANNELS, CHANNELS, EXTENT, padding="same")


def compare() -> tuple[Interval, dict[str, list[float]]]:
    """The logarithm of the ratio of their training steps, all parameters' gradients included, and the seconds."""
    layers = dict(zip(("scaled", "spatial"), pair(), strict=True))
    images = torch.randn(BATCH, CHANNELS, SIZE, SIZE, requires_grad=True)
    along = torch.randn_like(images)
    times: dict[str, list[float]] = {name: [] for name in layers}
    for _ in range(ROUNDS + 1):
        for name, layer in layers.items():
            start = time.perf_counter()
            torch.autograd.grad(layer(images), (images, *layer.parameters()), along)
            times[name].append(time.perf_counter() - start)
    counted = {name: dict(enumerate(seconds[1:])) for name, seconds in times.items()}
    return logarithms(counted["scaled"], counted["spatial"]), {
        name: list(own.values()) for name, own in counted.items()
    }
