"""How closely the convolution theorem reproduces torch's conv2d in floating point."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import engine, functional

BATCH, CHANNELS = 4, 8


def residuals(image_sizes: Sequence[int], kernel_size: int, seed: int) -> list[dict[str, int | float]]:
    """Relative 2-norm errors against conv2d in float64, with zero padding, 8 channels to 8, at several image sizes.

    Args:
        image_sizes: sides of the square images, in pixels.
        kernel_size: taps per axis.
        seed: of images and kernels.

    Returns:
        Per size: the error of `fourierconv.functional.conv2d` in float64 and in float32, and of torch's own conv2d in
        float32.

    >>> 0 < residuals([9], kernel_size=3, seed=0)[0]["spectra, float64"] < 1e-15
    True
    """
    generator = torch.Generator().manual_seed(seed)
    rows: list[dict[str, int | float]] = []
    for n in image_sizes:
        images = torch.randn(BATCH, CHANNELS, n, n, dtype=torch.float64, generator=generator)
        kernels = torch.randn(CHANNELS, CHANNELS, kernel_size, kernel_size, dtype=torch.float64, generator=generator)
        expected = F.conv2d(images, kernels, padding="same")
        with engine("whole"):  # small images would go the direct way
            got = {
                "spectra, float64": functional.conv2d(images, kernels, padding="same"),
                "spectra, float32": functional.conv2d(images.float(), kernels.float(), padding="same"),
                "conv2d, float32": F.conv2d(images.float(), kernels.float(), padding="same"),
            }
        rows.append({"image": n, **{name: relative_error(y, expected) for name, y in got.items()}})
    return rows


def relative_error(got: Tensor, expected: Tensor) -> float:
    """‖got - expected‖ / ‖expected‖, in double precision.

    >>> relative_error(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 4.0]))
    0.2
    """
    wide = torch.complex128 if expected.is_complex() else torch.float64
    return float((got.to(wide) - expected.to(wide)).norm() / expected.to(wide).norm())
