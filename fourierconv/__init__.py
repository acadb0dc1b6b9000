"""Convolutions learned in the Fourier domain: layers, parameterizations, and how large their kernels are."""

from fourierconv import extent, functional, parameterizations
from fourierconv.layers import FourierConv2d

__all__ = ["FourierConv2d", "extent", "functional", "parameterizations"]
