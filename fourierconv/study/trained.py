"""The kernels of trained networks: their taps, how large they are, and how rough their spectra."""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor, nn

from fourierconv.extent import axis_energies, extent, rms_radius
from fourierconv.layers import FourierConv2d
from fourierconv.parameterizations.base import origin
from fourierconv.study.experiments import image_size
from fourierconv.study.frames import Runs
from fourierconv.study.models import ConvNet, convolutions

Networks = dict[tuple[int, str], ConvNet]  # by size of the images and contender
FINE = 8  # points of frequency per tap: differences of the outermost tap are then 3 % below its derivative
PART = 64  # kernels at a time, which bounds the memory


def networks(runs: Runs) -> Networks:
    """Return the trained networks of one seed's runs of `image_size`, from the weights that they left.

    Raises StudyError where weights are missing or damaged.
    """
    return {
        (run.config.size, run.config.method): image_size.network(run.config, runs.store.weights(image_size, run.config))
        for run in runs.results
    }


def taps(layer: nn.Module) -> Tensor:
    """Return a layer's kernels in a window that holds them, (out, in/groups, k, k), the origin in the middle.

    The layer is what a contender makes: an nn.Conv2d with an odd kernel_size, or a FourierConv2d.

    >>> taps(nn.Conv2d(1, 4, 5)).shape
    torch.Size([4, 1, 5, 5])
    """
    kernels = layer.kernel() if isinstance(layer, FourierConv2d) else layer.get_parameter("weight")
    return kernels.detach()


def sides(kernels: Tensor) -> Tensor:
    """Return the extents of kernels (..., k, k) along y and x, in pixels, (..., 2).

    >>> sides(torch.ones(1, 20, 40))
    tensor([[19., 38.]])
    """
    return torch.stack([extent(energy) for energy in axis_energies(kernels, 2)], -1)


def kernel_rows(trained: Networks) -> pd.DataFrame:
    """Return a row per kernel: size, method, layer, extent (mean over axes) and rms radius in pixels, roughness.

    `roughness` is ∫|∇Ŵ|² / ∫|Ŵ|² in pixels², measured in frequency, so that (2π·rms)² is a prediction of it.
    """
    frames = []
    for (size, method), network in trained.items():
        for number, layer in enumerate(convolutions(network), 1):
            kernels = taps(layer).flatten(0, 1)
            measures = {
                "extent": sides(kernels).mean(-1),
                "rms": rms_radius(kernels, 2),
                "roughness": measured_roughness(kernels),
            }
            frame = pd.DataFrame({name: values.numpy() for name, values in measures.items()})
            frames.append(frame.assign(size=size, method=method, layer=number))
    return pd.concat(frames, ignore_index=True)


def measured_roughness(kernels: Tensor) -> Tensor:
    """Return ∫|∇Ŵ|² / ∫|Ŵ|² of kernels (kernels, k, k), by central differences of their spectra; (kernels,) in pixels².

    >>> shifted = torch.zeros(1, 3, 3).index_put_((torch.tensor(0), torch.tensor(1), torch.tensor(2)), torch.ones(()))
    >>> bool(measured_roughness(shifted).isclose(torch.tensor((2 * torch.pi) ** 2), rtol=0.05))
    True
    """
    return torch.cat([_roughness(part) for part in kernels.split(PART)])


def _roughness(kernels: Tensor) -> Tensor:  # (kernels, k, k) -> (kernels,)
    k = kernels.shape[-1]
    points = FINE * k
    total = torch.zeros(len(kernels))
    for lines in (kernels, kernels.mT):
        # The phase of a spectrum counts from the origin. Along the other axis the integral is the sum over taps.
        centred = nn.functional.pad(lines, (0, points - k)).roll(-origin(k), -1)
        spectrum = torch.fft.fft(centred, norm="ortho")
        slope = (spectrum.roll(-1, -1) - spectrum.roll(1, -1)) * (points / 2)
        total += slope.abs().square().sum((-2, -1))
    return total / kernels.square().sum((-2, -1))


def layer_medians(rows: pd.DataFrame) -> pd.DataFrame:
    """Return, per size, contender and layer, the medians over the kernels of the other columns of `kernel_rows`.

    >>> rows = pd.DataFrame({"size": 32, "method": "window", "layer": 1, "extent": [1.0, 3.0, 2.0]})
    >>> layer_medians(rows).to_dict("records")
    [{'size': 32, 'method': 'window', 'layer': 1, 'extent': 2.0}]
    """
    return rows.groupby(["size", "method", "layer"], sort=False).median().reset_index()
