"""At the start, every parameterization gives white noise the output variance that nn.Conv2d gives it.

For circular convolution without bias that variance is Σ w² per output channel.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fourierconv import FourierConv2d
from fourierconv.parameterizations import NAMES
from tests.layer_cases import CLASSES

CHANNELS = 64
GRID = 40  # pixels; no kernel below is wider, but for tails: at scale 4, 'scaled' has 4·(k - 1 + 4) taps
SCALES: tuple[float | tuple[float, float], ...] = (0.5, 1.0, 1.7, 4.0)
STARTS: list[dict[str, Any]] = [
    {"parameterization": "spatial"},
    {"parameterization": "spectral"},
    {"parameterization": "spline"},
    {"parameterization": "dyadic"},
    *({"parameterization": name, "scale": scale} for name in ("window", "scaled", "hermite") for scale in SCALES),
    *({"parameterization": name} for name in ("free", "truncated", "bilinear", "spline_open", "spacings", "implicit")),
    {"parameterization": "free", "reference_grid": (12, 7)},
    *({"parameterization": name, "reference_grid": (9, 12)} for name in ("truncated", "bilinear", "spline_open")),
    *({"parameterization": name, "reference_grid": (5, 8)} for name in ("spacings", "implicit")),
    {"parameterization": "window", "scale": (0.5, 4.0), "scale_per": "channel"},
    {"parameterization": "scaled", "scale": (0.5, 4.0), "scale_per": "channel"},
    {"parameterization": "scaled", "scale": (0.5, 4.0), "scale_per": 4},
    *({"parameterization": name, "window": 1.3} for name in NAMES if name != "window"),
    {"parameterization": "spatial", "window": (0.5, 4.0), "scale_per": "channel"},
    {"parameterization": "spectral", "window": 0.8, "per_axis": True},
    {"parameterization": "scaled", "scale": (0.5, 4.0), "window": (3.0, 0.7), "scale_per": 4, "per_axis": True},
]


assert {start["parameterization"] for start in STARTS} == set(NAMES)


def build(k: int, **start: Any) -> FourierConv2d:
    return FourierConv2d(CHANNELS, CHANNELS, k, padding="same", padding_mode="circular", bias=False, **start)


def variances(layer: FourierConv2d) -> Tensor:
    """Output variance on white noise of variance 1, averaged over every 16 output channels."""
    taps = torch.fft.irfft2(layer.spectrum(GRID).detach(), s=(GRID, GRID))
    return taps.square().sum((1, 2, 3)).view(-1, 16).mean(1)


@pytest.mark.parametrize("k", [3, 4])
@pytest.mark.parametrize("start", STARTS, ids=lambda start: "-".join(map(str, start.values())))
def test_expected_output_variance_is_conv2ds(start: dict[str, Any], k: int) -> None:
    conv = nn.Conv2d(CHANNELS, CHANNELS, k, bias=False)
    expected = float(conv.weight.detach().square().sum((1, 2, 3)).mean())
    torch.testing.assert_close(variances(build(k, **start)), torch.full((4,), expected), rtol=0.1, atol=0)


@pytest.mark.parametrize("name", ["spline", "window", "scaled"])
def test_white_noise_comes_out_as_from_conv2d(name: str) -> None:
    """The statement itself, with noise."""
    conv = nn.Conv2d(CHANNELS, CHANNELS, 5, padding=2, padding_mode="circular", bias=False)
    layer = build(5, parameterization=name)
    noise = torch.randn(4, CHANNELS, GRID, GRID)
    with torch.no_grad():
        ratio = layer(noise).var() / conv(noise).var()
    assert float(ratio) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("groups", [2, 64])
def test_groups_leave_the_variance_of_conv2d(groups: int) -> None:
    conv = nn.Conv2d(CHANNELS, CHANNELS, 3, groups=groups, bias=False)
    layer = build(3, groups=groups, parameterization="scaled", scale=1.7)
    ratio = variances(layer).mean() / conv.weight.detach().square().sum((1, 2, 3)).mean()
    assert float(ratio) == pytest.approx(1.0, abs=0.1)


def test_biases_are_conv2ds() -> None:
    layer = FourierConv2d(8, 512, 3, parameterization="scaled", scale=2.0)
    assert layer.bias is not None
    bound = 1 / (8 * 9) ** 0.5
    assert 0.95 * bound < float(layer.bias.detach().abs().max()) <= bound


CONVS: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


@pytest.mark.parametrize("options", [{}, {"dilation": 2}, {"window": 1.2}], ids=str)
@pytest.mark.parametrize("dims", [1, 3])
def test_variances_of_other_dimensions(dims: int, options: dict[str, Any]) -> None:
    channels = {1: 256, 3: 24}[dims]
    conv = CONVS[dims](channels, channels, 3, bias=False)
    layer = CLASSES[dims](channels, channels, 3, bias=False, parameterization="scaled", scale=1.6, **options)
    energies = [weights.detach().square().sum() for weights in (layer.kernel(), conv.weight)]
    assert float(energies[0] / energies[1]) == pytest.approx(1.0, abs=0.1)
