"""Terms for a loss: how rough a layer's spectra are, and how large its kernels; both differentiable.

    rough = sum(penalties.sobolev(layer) for layer in fourierconv.fourier_layers(model))
    loss = task(model(x), y) + 1e-4 * rough

`sobolev` is a sum over kernels and `size` a mean, so a factor that suits one network need not suit another. Both are
moments of the kernels that the layer applies, in training of those that are held until `refresh`. They are computed
from the Gram matrices AᵀA and AᵀD²A of each axis, D the positions, so that no kernel is written out; but along axes
that are too long for such matrices, from the taps. Kernels that never end count as far as 4096 taps from their origin.
"""

import math

import torch
from torch import Tensor

from fourierconv.autocast import never_autocast
from fourierconv.kernels import written_out
from fourierconv.reading import Readable
from fourierconv.separable import combine


@never_autocast
def sobolev(layer: Readable) -> Tensor:
    """Roughness of the spectra, ∫ |∇Ŵ|² du, summed over the layer's kernels.

    Differentiating Ŵ(u) = Σ_t w[t] exp(-2πi u·t) multiplies taps by -2πi t, so by Parseval's theorem this is the second
    moment of the kernels in space, Σ_t (2π)²|t|² w[t]², in pixels²: a penalty on smoothness in frequency is a penalty
    on size in space. It also shrinks the coefficients; `size` does not.

    Args:
        layer: a FourierConvNd.

    Returns:
        A number, ().

    Raises:
        TypeError: another module.

    >>> from fourierconv import FourierConv1d
    >>> layer = FourierConv1d(1, 1, 3, bias=False)
    >>> _ = layer.coefficients.data.copy_(torch.tensor([[[0.0, 1.0, 0.5]]]))
    >>> float(sobolev(layer).detach() / (2 * math.pi) ** 2)  # 0.5², one pixel away
    0.25
    """
    return (2 * math.pi) ** 2 * _moments(layer, layer._theta())[1].sum()


@never_autocast
def size(layer: Readable) -> Tensor:
    """Mean size of the kernels: their root mean square distance from the origin, √(Σ|t|²w² / Σw²), in pixels.

    It does not depend on how large the weights are. The mean is over the kernels that are not zero.

    Args:
        layer: a FourierConvNd.

    Returns:
        Pixels, ().

    Raises:
        TypeError: another module.

    >>> from fourierconv import FourierConv1d
    >>> layer = FourierConv1d(1, 1, 3, bias=False)
    >>> _ = layer.coefficients.data.copy_(torch.tensor([[[2.0, 0.0, 2.0]]]))
    >>> float(size(layer).detach())
    1.0
    """
    theta = layer._theta()
    largest = theta.detach().abs().flatten(2).amax(-1)
    exponent = torch.frexp(largest).exponent.clamp(-126, 126)  # a power of two rounds nothing
    theta = theta * torch.ldexp(torch.ones_like(largest), -exponent).view(*theta.shape[:2], *[1] * layer.dims)
    energy, moment = _moments(layer, theta)
    apart = (energy > 0) & (moment > 0)  # the root of a single tap's moment, 0, has no gradient
    squared = torch.where(apart, moment, 1) / torch.where(apart, energy, 1)
    return torch.where(apart, squared.sqrt(), 0).sum() / (energy > 0).sum().clamp(min=1)


def _moments(layer: Readable, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Σ w² and Σ |t|² w² of every kernel, (out, in/groups) each."""
    theta, kernels = written_out(theta, layer._kernels())
    grams = [(None, None) if own.plain else own.gram(layer.tolerance, layer.dims) for own in kernels]
    plain = [zeroth for zeroth, _ in grams]
    squares = combine(theta, plain) * theta
    energy = squares.flatten(2).sum(-1)
    moment = torch.zeros_like(energy)
    for axis, (kernel, (_, second)) in enumerate(zip(kernels, grams, strict=True)):
        if second is None:  # the coefficients along this axis are the taps
            distance = kernel.distances(*kernel.support(0.0, layer.dims)).view(-1, *[1] * (layer.dims - 1 - axis))
            weighted = squares * distance.square()
        else:
            weighted = combine(theta, [*plain[:axis], second, *plain[axis + 1 :]]) * theta
        moment = moment + weighted.flatten(2).sum(-1)
    return energy, moment
