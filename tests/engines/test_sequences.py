"""Sequences: the spectra of their kernels may be transforms of taps, where matrices would take more work."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import FourierConv1d, engine, functional
from fourierconv.engines import dispatch
from fourierconv.engines.choice import same_taps
from fourierconv.grid import Axis
from fourierconv.parameterizations import get
from tests.layer_cases import LAYERS, LayerCase


@pytest.mark.parametrize("long", [2**19, 0], ids=["by a Fourier matrix", "by FFT"])
@pytest.mark.parametrize("name", ["whole", "tiled"])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate"])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_spectra_by_way_of_the_taps_are_the_same(
    case: LayerCase, stride: int, mode: str, name: str, long: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"scale_per": "channel"} if get(case.name).scale_limits is not None else {}
    layer = case.build_in(
        1, 4, 6, 3, stride=stride, padding=2, padding_mode=mode, groups=2, dilation=2, tolerance=1e-3, **options
    )
    x = torch.randn(2, 4, 61, dtype=torch.float64, requires_grad=True)
    asked: list[bool] = []

    def computed(whether: bool) -> list[Tensor]:
        def by_taps(coefficients: Tensor, own: dispatch.Filter, axis: Axis, rows: int) -> bool:
            asked.append(own.linear is not None and same_taps(axis, own.linear))
            return whether and asked[-1]

        monkeypatch.setattr(dispatch, "_by_taps", by_taps)
        with engine(name):
            y = layer(x)
        return [y, *torch.autograd.grad(y, [x, *layer.parameters()], y.detach().cos())]

    expected = computed(False)
    monkeypatch.setattr(dispatch, "LONG", long)
    torch.testing.assert_close(computed(True), expected)
    assert asked[-1] or mode == "reflect"  # whose kernels may go around


@pytest.mark.parametrize(
    ("channels", "out", "options", "whether"),
    [
        (1, 32, {"scale_per": "channel"}, True),  # a matrix for each of 32 kernels
        (1, 32, {}, False),  # one for all of them
        (64, 64, {"scale_per": "channel"}, False),  # one for each 64 of 4,096 kernels
    ],
    ids=["one channel", "one scale", "many channels"],
)
def test_the_way_that_takes_less_work_is_gone(
    channels: int, out: int, options: dict[str, Any], whether: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = FourierConv1d(channels, out, 5, stride=4, padding=2, parameterization="scaled", scale=20.0, **options)
    answers: list[bool] = []
    by_taps = dispatch._by_taps

    def recorded(*arguments: Any) -> bool:
        answers.append(by_taps(*arguments))
        return answers[-1]

    monkeypatch.setattr(dispatch, "_by_taps", recorded)
    with engine("whole"):
        layer(torch.randn(2, channels, 1000))
    assert answers == [whether]


@pytest.mark.parametrize("name", ["whole", "tiled", "auto"])
@pytest.mark.parametrize("stride", [1, 4])
def test_long_strided_convolutions_are_torchs(stride: int, name: str) -> None:
    """A Fourier matrix would have more than a million entries."""
    x = torch.randn(2, 2, 3000, dtype=torch.float64, requires_grad=True)
    w = torch.randn(4, 1, 1001, dtype=torch.float64, requires_grad=True)
    expected = F.conv1d(x, w, stride=stride, padding=500, groups=2)
    with engine(name):
        y = functional.conv1d(x, w, stride=stride, padding=500, groups=2)
    torch.testing.assert_close(y, expected)
    found, true = (torch.autograd.grad(own, (x, w), expected.detach().cos()) for own in (y, expected))
    torch.testing.assert_close(found, true)
