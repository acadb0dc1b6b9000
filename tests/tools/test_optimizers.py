"""torch's optimizers, in each of their implementations, with the groups of a layer."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from tests.layer_cases import LayerCase
from tests.tools.cases import assert_alike, of_every_kind, on_every_device

OPTIMIZERS: dict[str, tuple[Callable[..., torch.optim.Optimizer], dict[str, Any]]] = {
    "SGD": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "Adam": (torch.optim.Adam, {}),
    "AdamW": (torch.optim.AdamW, {"weight_decay": 0.01, "amsgrad": True}),
}


def trained(
    case: LayerCase, device: str, name: str, **implementation: bool
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters after 5 steps, and those that are in pixels."""
    torch.manual_seed(0)
    make, options = OPTIMIZERS[name]
    layer = case.build(2, 4, 3, padding=1, bias=True, device=device)
    groups = layer.parameter_groups(lr=0.01)
    optimizer = make(groups, **options, **implementation)
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, device=device)
    start = [parameter.detach().clone() for parameter in layer.parameters()]
    for _ in range(5):
        optimizer.zero_grad()
        layer(x).square().mean().backward()
        optimizer.step()
        layer.refresh()
    assert not any(torch.equal(old, new) for old, new in zip(start, layer.parameters(), strict=True))
    return list(layer.parameters()), groups[-1]["params"] if len(groups) > 1 else []


@on_every_device
@pytest.mark.parametrize("implementation", ["foreach", "fused"])
@pytest.mark.parametrize("name", OPTIMIZERS)
@of_every_kind
def test_all_implementations_are_the_loop_over_parameters(
    case: LayerCase, name: str, implementation: str, device: str
) -> None:
    expected, in_pixels = trained(case, device, name, foreach=False, fused=False)
    actual, _ = trained(case, device, name, **{implementation: True})
    assert_alike(actual, expected, 1e-9)
    assert bool(in_pixels) == (case.scale is not None or case.name == "spacings")
