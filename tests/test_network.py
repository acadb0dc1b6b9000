"""What is done for all layers of a network at once is what each layer does by itself."""

import pytest
import torch
from torch import nn

from fourierconv import FourierConv2d, fourier_layers, frozen, parameter_groups, refresh
from fourierconv.layers import SCALE_RATE


@pytest.fixture
def model() -> nn.Sequential:
    """Layers that learn in pixels and others, one of them shared, in a network with other modules."""
    scaled = FourierConv2d(2, 2, 3, padding=1, parameterization="scaled", window=2.0)
    positions = FourierConv2d(2, 2, 3, padding=1, parameterization="spacings", reference_grid=5)
    return nn.Sequential(scaled, nn.BatchNorm2d(2), scaled, positions, nn.Conv2d(2, 2, 3), FourierConv2d(2, 2, 3))


def test_every_parameter_is_in_one_group(model: nn.Sequential) -> None:
    usual, fast = parameter_groups(model, 0.25)
    pixels = [own for name, own in model.named_parameters() if name.split(".")[1] in ("scale", "window", "coordinates")]
    assert {id(own) for own in fast["params"]} == {id(own) for own in pixels}
    assert (fast["lr"], fast["weight_decay"], usual["lr"]) == (0.25 * SCALE_RATE, 0.0, 0.25)
    together = [id(own) for group in (usual, fast) for own in group["params"]]
    assert sorted(together) == sorted(id(own) for own in model.parameters())
    torch.optim.AdamW([usual, fast], weight_decay=0.1)  # raises where a parameter stands twice


def test_without_anything_in_pixels_there_is_one_group() -> None:
    model = nn.Sequential(nn.Linear(2, 2), FourierConv2d(1, 1, 3))
    (usual,) = parameter_groups(model, 0.25)
    assert len(usual["params"]) == 4


def test_all_layers_are_refreshed(model: nn.Sequential) -> None:
    for name, parameter in model.named_parameters():
        if name.endswith(("scale", "window")):
            parameter.data.fill_(9.0)
    assert refresh(model) == 2
    assert refresh(model) == 0
    assert refresh(nn.Linear(2, 2)) == 0


def test_all_layers_are_frozen_for_a_while(model: nn.Sequential) -> None:
    model.eval()
    x = torch.randn(1, 2, 12, 12)
    with torch.no_grad():
        before = model(x)
        with frozen(model):
            torch.testing.assert_close(model(x), before)
            for layer in fourier_layers(model):
                layer.coefficients.mul_(2.0)
            torch.testing.assert_close(model(x), before)
        assert not torch.allclose(model(x), before)
