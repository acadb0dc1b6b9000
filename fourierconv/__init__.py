"""Convolutions learned in the Fourier domain: layers, parameterizations, and how large their kernels are."""

from fourierconv import extent, functional, parameterizations, penalties
from fourierconv.layers import FourierConv1d, FourierConv2d, FourierConv3d

__all__ = [
    "FourierConv1d",
    "FourierConv2d",
    "FourierConv3d",
    "extent",
    "functional",
    "parameterizations",
    "penalties",
]
