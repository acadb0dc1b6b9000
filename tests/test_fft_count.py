"""A training step of one layer takes two real FFTs over images and two inverse ones, and no complex one.

The kernels' spectra are matrix products, so every FFT that torch calls is one over images. Kernels of many taps are an
exception: they are transformed, and their gradient is transformed back.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from fourierconv import FourierConv2d, engine
from fourierconv.engines.contraction import Contraction
from fourierconv.functional import conv2d, spectral_conv
from fourierconv.parameterizations import NAMES
from tests.measures import count_ffts


@pytest.fixture(autouse=True)
def _one_grid() -> Iterator[None]:
    with engine("whole"):
        yield


FORWARD = Counter(r2c=1, c2r=1)
STEP = Counter(r2c=2, c2r=2)
STEP_OF_A_FIRST_LAYER = Counter(r2c=2, c2r=1)  # images need no gradient, so dL/dx is not made


def images(trained: bool) -> Tensor:
    return torch.randn(2, 4, 12, 13, requires_grad=trained)


def step(convolve: Callable[[Tensor], Tensor], x: Tensor) -> Counter[str]:
    return count_ffts(lambda: convolve(x).square().sum().backward())


def check_counts(convolve: Callable[[Tensor], Tensor], many_taps: bool = False) -> None:
    kernels = Counter(r2c=1, c2r=1) if many_taps else Counter[str]()
    assert step(convolve, images(trained=True)) == STEP + kernels
    assert step(convolve, images(trained=False)) == STEP_OF_A_FIRST_LAYER + kernels
    with torch.no_grad():
        assert count_ffts(lambda: convolve(images(trained=False))) == FORWARD + Counter(r2c=int(many_taps))


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("name", NAMES)
def test_layer(name: str, mode: str) -> None:
    layer = FourierConv2d(4, 6, 5, padding=2, padding_mode=mode, parameterization=name, groups=2)
    check_counts(layer, many_taps=mode == "zeros" and name in ("bilinear", "spline_open", "implicit"))


@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_conv2d(mode: str) -> None:
    weight, bias = torch.randn(6, 4, 5, 5, requires_grad=True), torch.randn(6, requires_grad=True)
    check_counts(lambda x: conv2d(x, weight, bias, padding=2, padding_mode=mode))


def test_spectral_conv() -> None:
    spectrum = torch.randn(6, 4, 12, 7, dtype=torch.complex64, requires_grad=True)
    check_counts(lambda x: spectral_conv(x, spectrum))


def test_frozen_weights_need_no_gradient_of_their_spectrum(monkeypatch: pytest.MonkeyPatch) -> None:
    backward, asked = Contraction.backward, []

    def watched(self: Contraction, *arguments: Any) -> Any:
        *_, wants_input, wants_spectrum = arguments
        asked.append((wants_input, wants_spectrum))
        return backward(self, *arguments)

    monkeypatch.setattr(Contraction, "backward", watched)
    weight = torch.randn(6, 4, 5, 5)
    assert step(lambda x: conv2d(x, weight), images(trained=True)) == STEP
    assert asked == [(True, False)]


def test_ffts_of_autograds_other_threads_count() -> None:
    """As on a device, whose backward passes run on a thread of their own; here for being deeply nested."""
    threads = set()

    class Nested(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, depth: int) -> Tensor:
            ctx.depth = depth
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
            threads.add(threading.get_ident())
            with torch.enable_grad(), engine("whole"):
                if ctx.depth:
                    Nested.apply(torch.ones(1, requires_grad=True), ctx.depth - 1).backward()
                else:
                    conv2d(images(trained=True), torch.ones(6, 4, 5, 5)).square().sum().backward()
            return grad, None

    assert step(lambda x: Nested.apply(x, 100), torch.ones(1, requires_grad=True)) == STEP
    assert len(threads) > 1


def test_autograd_through_torch_fft_takes_more() -> None:
    """What the operator saves: the derivative of torch's real FFT is a full complex one."""
    weight = torch.randn(6, 4, 5, 5, requires_grad=True)

    def through_autograd(x: Tensor) -> Tensor:
        product = torch.fft.rfft2(x)[:, None] * torch.fft.rfft2(weight, s=x.shape[-2:]).conj()
        return torch.fft.irfft2(product.sum(2), s=x.shape[-2:])

    counts = step(through_autograd, images(trained=True))
    assert counts["c2c"] > 0
    assert counts.total() > STEP.total()
