"""Convolutions learned in the Fourier domain: layers, parameterizations, and how large their kernels are."""

from fourierconv import extent, functional, parameterizations, penalties
from fourierconv.convert import convert, from_conv
from fourierconv.engines.dispatch import engine
from fourierconv.export import to_conv
from fourierconv.layers import FourierConv1d, FourierConv2d, FourierConv3d, fourier_layers
from fourierconv.network import frozen, parameter_groups, refresh
from fourierconv.resolution import resize

__all__ = [
    "FourierConv1d",
    "FourierConv2d",
    "FourierConv3d",
    "convert",
    "engine",
    "extent",
    "fourier_layers",
    "from_conv",
    "frozen",
    "functional",
    "parameter_groups",
    "parameterizations",
    "penalties",
    "refresh",
    "resize",
    "to_conv",
]
