import pytest
import torch

from fourierconv.study import methods
from fourierconv.study.models import ConvNet, convolutions, extents, scales
from fourierconv.study.training import optimizer


def network(name: str) -> ConvNet:
    return ConvNet(methods.get(name), channels=1, widths=(4, 8, 8), classes=5)


@pytest.mark.parametrize("name", methods.METHODS)
@pytest.mark.parametrize("size", [32, 48])
def test_every_contender_stands_in_the_same_network(name: str, size: int) -> None:
    model = network(name)
    assert model(torch.zeros(2, 1, size, size)).shape == (2, 5)
    assert len(convolutions(model)) == len(extents(model)) == len(scales(model)) == 3


def test_conv2d_11_is_computed_on_spectra_with_the_same_numbers() -> None:
    torch.manual_seed(0)
    ours = network("conv2d_11")
    torch.manual_seed(0)
    theirs = ConvNet(methods.Method("conv2d", 11), channels=1, widths=(4, 8, 8), classes=5)
    images = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-4)


def test_the_convolution_is_all_that_differs() -> None:
    def others(name: str) -> list[str]:
        model = network(name)
        return [repr(module) for module in model if module not in convolutions(model)]

    assert all(others(name) == others("conv2d_5") for name in methods.METHODS)


def test_scales_are_read_in_pixels() -> None:
    assert scales(network("conv2d_5")) == [None, None, None]
    assert scales(network("scaled_layer")) == [1.0, 1.0, 1.0]
    assert scales(network("window")) == [2.0, 2.0, 2.0]


def test_scales_learn_faster_and_everything_is_trained_once() -> None:
    model = network("scaled_channel")
    groups = optimizer(model, 0.01).param_groups
    trained = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(trained) == sorted(id(parameter) for parameter in model.parameters())
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    for layer in convolutions(model):
        assert rates[id(layer.scale)] == pytest.approx(0.1)
        assert rates[id(layer.coefficients)] == 0.01


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(ValueError, match="method 'fno' is unknown; choose from conv2d_3"):
        methods.get("fno")
