"""Portraits of layers: the strongest kernels at their size, their spectra with DC in the middle, and the mass curve."""

import numpy as np
import pytest
import torch
from torch import nn

from fourierconv import FourierConv2d, from_conv
from fourierconv.study.figures import style
from fourierconv.study.figures.portraits import GRID, portraits, strongest
from tests.study.figures.drawn import smallest_letters, words

NAMES = ("classic", "spline", "scaled, per channel")


@pytest.fixture(autouse=True)
def _book_style() -> None:
    style.apply()


@pytest.fixture
def layers() -> dict[str, nn.Module]:
    scaled = {"parameterization": "scaled", "scale": (1.0, 6.0), "scale_per": "channel", "dtype": torch.float64}
    return {
        "classic": nn.Conv2d(3, 4, 5, dilation=2),
        "spline": FourierConv2d(3, 4, 5, parameterization="spline"),
        "scaled, per channel": FourierConv2d(3, 4, 5, **scaled),  # type: ignore[arg-type]
    }


def converted(layer: nn.Module) -> FourierConv2d:
    own = layer if isinstance(layer, FourierConv2d) else from_conv(layer)
    assert isinstance(own, FourierConv2d)
    return own


@pytest.mark.parametrize("name", NAMES)
def test_the_kernels_of_largest_norm_are_chosen(layers: dict[str, nn.Module], name: str) -> None:
    layer = converted(layers[name])
    size, kernels, spectra = strongest(layer, 5)
    every = layer.kernel(41).detach().flatten(0, 1)
    norms = every.flatten(1).norm(dim=1).sort(descending=True).values[:5]
    torch.testing.assert_close(kernels.flatten(1).norm(dim=1), norms, rtol=5e-3, atol=0)
    assert size % 2 == 1
    assert size < 41
    torch.testing.assert_close(spectra[:, GRID // 2, GRID // 2], kernels.sum((1, 2)).abs(), rtol=0, atol=3e-2)


def test_spectra_of_kernels_larger_than_the_grid_are_samples() -> None:
    layer = FourierConv2d(1, 1, 151, dtype=torch.float64)
    whole = torch.fft.fft2(layer.kernel().detach()[0, 0], s=(3 * GRID, 3 * GRID)).abs()[::3, ::3]
    torch.testing.assert_close(strongest(layer, 1)[2][0], torch.fft.fftshift(whole))


def test_a_row_per_layer_and_one_scale_of_pixels_in_it(layers: dict[str, nn.Module]) -> None:
    figure = portraits(layers, count=2, colors={"spline": "#ff0000"})
    panels = np.array(figure.axes).reshape(3, 5)
    assert [axes.yaxis.label.get_text() for axes in panels[:, 0]] == ["classic", "spline", "scaled,\nper channel"]
    assert panels[1, 4].lines[0].get_color() == "#ff0000"
    assert panels[1, 0].yaxis.label.get_color() == style.ink("#ff0000")
    for axes, layer in zip(panels[:, 4], layers.values(), strict=True):
        middle = float(converted(layer).extent().mean(-1).quantile(0.5))
        assert f"{middle:.1f} px" in {text.get_text() for text in axes.texts}
        shares = np.asarray(axes.lines[0].get_ydata())
        assert (np.diff(shares) > -1e-6).all()
        assert shares[-1] == pytest.approx(1, abs=1e-5)
    for line in panels:
        sizes = [axes.images[0].get_array().shape for axes in line[:2]]
        assert sizes[0] == sizes[1]
        assert f"{sizes[0][0]} px wide" in words(figure)
    assert smallest_letters(figure) >= 9


def test_a_layer_with_fewer_kernels_leaves_its_places_empty() -> None:
    panels = portraits({"one": nn.Conv2d(1, 1, 3), "many": nn.Conv2d(2, 2, 3)}).axes
    assert [bool(axes.images) for axes in panels[:6]] == [True, False, False, True, False, False]
    assert not panels[1].axison
