"""Every network holds every contender, and nothing but the contender differs."""

import pytest
import torch
from torch import nn

from fourierconv import FourierConv2d
from fourierconv.study import methods
from fourierconv.study.models import convolutions
from fourierconv.study.networks import NETWORKS, deeper_widths

WIDTHS = {"predecessor": (4, 4, 8, 8), "resnet18": (4, 8, 8, 8)}


def network(name: str, method: str, size: int, padding_mode: str = "zeros") -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[name](methods.get(method), 3, WIDTHS.get(name, (4, 8, 8)), 5, padding_mode, size)


@pytest.mark.parametrize("size", [32, 96])
@pytest.mark.parametrize("method", ["conv2d_3", "conv2d_11", "scaled_group", "window_31", "spline_even", "implicit"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_holds_every_kind_of_contender(name: str, method: str, size: int) -> None:
    model = network(name, method, size)
    logits = model(torch.randn(2, 3, size, size))
    assert logits.shape == (2, 5)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "size", "count"),
    [("convnet", 128, 3), ("deeper", 32, 3), ("deeper", 128, 5), ("twice", 32, 6), ("predecessor", 32, 4)],
)
def test_the_number_of_convolutions(name: str, size: int, count: int) -> None:
    assert len(convolutions(network(name, "scaled_layer", size))) == count


def test_stages_follow_the_doublings_of_the_image() -> None:
    assert [len(deeper_widths((8,), size)) for size in (16, 32, 64, 96, 128, 192, 256)] == [1, 1, 2, 3, 3, 4, 4]


@pytest.mark.parametrize(("size", "own"), [(64, 17), (65, 16)])
def test_resnet18_has_its_seventeen_convolutions_and_a_stem_by_the_images_size(size: int, own: int) -> None:
    found = convolutions(network("resnet18", "scaled_layer", size))
    assert len(found) == 17
    assert sum(isinstance(layer, FourierConv2d) for layer in found) == own


def test_resnet18_is_the_classic_one_with_3x3_kernels() -> None:
    model = NETWORKS["resnet18"](methods.get("conv2d_3"), 3, (64, 128, 256, 512), 1000, "zeros", 224)
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_689_512  # as torchvision's


@pytest.mark.parametrize("name", NETWORKS)
def test_contenders_of_the_same_kernels_compute_the_same(name: str) -> None:
    ours, theirs = network(name, "conv2d_11", 32).eval(), network(name, "conv2d_5", 32).eval()
    for layer in convolutions(ours):
        assert isinstance(layer, FourierConv2d)
        with torch.no_grad():  # the kernels of 5×5 among those of 11×11
            layer.weight.zero_()
    for ours_layer, theirs_layer in zip(convolutions(ours), convolutions(theirs), strict=True):
        ours_layer.weight.data[..., 3:8, 3:8] = theirs_layer.weight.data
        if theirs_layer.bias is not None and ours_layer.bias is not None:
            ours_layer.bias.data.copy_(theirs_layer.bias.data)
    others = {key: value for key, value in theirs.state_dict().items() if value.ndim != 4}
    ours.load_state_dict(others, strict=False)
    pointwise = {key: value for key, value in theirs.state_dict().items() if value.shape[2:] == (1, 1)}
    ours.load_state_dict(pointwise, strict=False)
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-4)


def test_the_padding_mode_reaches_every_contender() -> None:
    for name in NETWORKS:
        found = convolutions(network(name, "scaled_layer", 32, "circular"))
        assert {layer.padding_mode for layer in found} == {"circular"}


def test_even_kernels_are_their_own_reflection() -> None:
    layer = methods.get("spline_even").layer(1, 4, "zeros")
    assert isinstance(layer, FourierConv2d)
    kernel = layer.kernel(31)
    torch.testing.assert_close(kernel, kernel.flip(-1, -2), rtol=0, atol=1e-6)
    assert layer.spectrum(32).imag.abs().max() < 1e-5 * layer.spectrum(32).real.abs().max()


def test_even_kernels_have_the_energy_of_the_others_on_average() -> None:
    energies = []
    for name in ("spline", "spline_even"):
        torch.manual_seed(0)
        layer = methods.get(name).layer(8, 512, "zeros")
        assert isinstance(layer, FourierConv2d)
        energies.append(float(layer.kernel(31).square().sum().detach()))
    assert energies[0] == pytest.approx(energies[1], rel=0.02)
