"""`spectral` stores the taps of `spatial` in an orthonormal basis: gradient descent cannot tell, Adam can.

Rippel, Snoek, Adams 2015 (arXiv 1506.03767): a unitary change of basis commutes with steps along the gradient, with
momentum and weight decay, not with steps that are rescaled coordinate by coordinate.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fourierconv import FourierConv2d
from tests.measures import relative_error

Optimizers = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
UNITARY: dict[str, Optimizers] = {
    "plain": lambda p: torch.optim.SGD(p, lr=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "weight decay": lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.1),
}
COORDINATE_WISE: dict[str, Optimizers] = {
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.01),
}


def train(name: str, k: int, optimizers: Optimizers) -> tuple[Tensor, Tensor]:
    """Taps at the start and after 100 steps of a two-layer regression, the same data for every name."""
    torch.manual_seed(0)
    first, second = (
        FourierConv2d(*channels, k, padding="same", dtype=torch.float64, parameterization=name)
        for channels in ((2, 4), (4, 1))
    )
    model = nn.Sequential(first, nn.Tanh(), second)
    x = torch.randn(8, 2, 10, 9, dtype=torch.float64)
    target = torch.tanh(F.conv2d(x, torch.randn(1, 2, 3, 3, dtype=torch.float64) / 3, padding=1))
    optimizer = optimizers(list(model.parameters()))
    start = torch.cat([first.kernel(k).detach().flatten(), second.kernel(k).detach().flatten()])
    for _ in range(100):
        optimizer.zero_grad()
        F.mse_loss(model(x), target).backward()
        optimizer.step()
    return start, torch.cat([first.kernel(k).detach().flatten(), second.kernel(k).detach().flatten()])


@pytest.mark.parametrize("k", [3, 4])
@pytest.mark.parametrize("optimizers", UNITARY.values(), ids=UNITARY)
def test_gradient_descent_holds_the_same_taps(optimizers: Optimizers, k: int) -> None:
    start, spatial = train("spatial", k, optimizers)
    other_start, spectral = train("spectral", k, optimizers)
    assert relative_error(other_start, start) < 1e-14
    assert relative_error(spatial, start) > 0.1  # it did train
    assert relative_error(spectral, spatial) < 1e-8


@pytest.mark.parametrize("optimizers", COORDINATE_WISE.values(), ids=COORDINATE_WISE)
def test_adam_does_not(optimizers: Optimizers) -> None:
    _, spatial = train("spatial", 3, optimizers)
    _, spectral = train("spectral", 3, optimizers)
    assert relative_error(spectral, spatial) > 1e-3
