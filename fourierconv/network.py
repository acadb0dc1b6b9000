"""What a network of Fourier layers asks of its training loop: groups of parameters, refreshed bounds, frozen kernels.

Each does for all layers of a model what a layer's method of that name does for one.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn

from fourierconv.layers import fourier_layers


def parameter_groups(model: nn.Module, lr: float) -> list[dict[str, Any]]:
    """Groups for a torch optimizer of all parameters of a model, each once, however many layers share it.

    First those that learn as usual, also what is not of Fourier layers; then, where there are any, what is in pixels
    (scales, windows, learned positions), ten times as fast and without weight decay. That is for optimizers whose steps
    are as large as the rate, Adam and its kin. Those of SGD follow the gradients, and such scales may run away: give it
    model.parameters() there, or clip. A scheduler that takes a rate, such as OneCycleLR's max_lr, takes a list of two.

    Args:
        lr: learning rate of what learns as usual.

    >>> from fourierconv import FourierConv2d
    >>> model = nn.Sequential(FourierConv2d(3, 8, 5, parameterization="scaled"), nn.ReLU(), nn.Conv2d(8, 8, 3))
    >>> [(len(group["params"]), group["lr"]) for group in parameter_groups(model, 0.001)]
    [(4, 0.001), (1, 0.01)]
    """
    in_pixels = [group for layer in fourier_layers(model) for group in layer.parameter_groups(lr)[1:]]
    fast = dict.fromkeys(parameter for group in in_pixels for parameter in group["params"])
    usual = {"params": [parameter for parameter in model.parameters() if parameter not in fast], "lr": lr}
    return [usual, {**in_pixels[0], "params": list(fast)}] if in_pixels else [usual]


def refresh(model: nn.Module) -> int:
    """Re-read the scales of all Fourier layers of a model; a training loop calls it every few steps.

    Returns:
        How many scales, widths of windows and positions were held at their bound.

    Raises:
        ValueError: a scale that is not a number.

    >>> from fourierconv import FourierConv2d
    >>> model = nn.Sequential(FourierConv2d(3, 8, 5, parameterization="scaled"), nn.ReLU())
    >>> _ = model[0].scale.data.fill_(5.0)
    >>> refresh(model), refresh(model)
    (1, 0)
    """
    return sum(layer.refresh() for layer in fourier_layers(model))


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """For evaluation: within it, the spectra of all kernels of a model are computed once for every size of images.

    As `FourierConv2d.frozen` for every layer.

    >>> import torch
    >>> from fourierconv import FourierConv2d
    >>> model, x = nn.Sequential(FourierConv2d(3, 8, 5), nn.ReLU()).eval(), torch.randn(2, 3, 32, 32)
    >>> with frozen(model), torch.no_grad():
    ...     torch.equal(model(x), model(x))
    True
    """
    with ExitStack() as stack:
        for layer in fourier_layers(model):
            stack.enter_context(layer.frozen())
        yield
