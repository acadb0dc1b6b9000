"""What a layer is asked for, and that torch computes deterministically or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from fourierconv import FourierConv2d, penalties


@contextmanager
def deterministic() -> Iterator[None]:
    """Within it torch refuses what it cannot compute deterministically."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)


def call_everything(layer: FourierConv2d, x: Tensor) -> list[Tensor]:
    """A training step with penalties, and what is read of a layer: all that is found."""
    y = layer(x)
    loss = y.square().sum() + penalties.size(layer) + penalties.sobolev(layer)
    gradients = torch.autograd.grad(loss, (x, *layer.parameters()))
    layer.refresh()
    layer.load_state_dict(layer.state_dict())
    repr(layer)
    read = (layer.extent(), layer.mass_curve(), layer.operator_norm(), layer.operator_norm(16), layer.spectrum(16))
    return [y, *gradients, *read]
