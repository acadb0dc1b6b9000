"""nn.ConvNd with kernels learned through a parameterization and applied in the Fourier domain."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fourierconv import arguments, parameterizations
from fourierconv.extent import extent
from fourierconv.functional import correlate, lay_out
from fourierconv.grid import Axis
from fourierconv.parameterizations.base import lattice, origin
from fourierconv.separable import combine, dft, transform
from fourierconv.spectral import half

PADDING_MODES = ("zeros", "circular")
HEADROOM = 1.25  # how far a scale may grow between two calls of refresh()
SCALE_RATE = 10.0  # learning rate of scales, in pixels, relative to that of coefficients, which are below 1


class _FourierConvNd(nn.Module):
    """What the layers share; written over a tuple of axes."""

    dims: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: str | int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        parameterization: str = "spatial",
        scale: float | tuple[float, float] = 1.0,
        scale_per: str | int = "layer",
        tolerance: float | None = None,
    ) -> None:
        super().__init__()
        dtype = dtype or torch.get_default_dtype()
        arguments.check_real("dtype", dtype)
        arguments.check_ones(stride, dilation, self.dims)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = arguments.per_axis("kernel_size", kernel_size, self.dims)
        self.stride = arguments.per_axis("stride", stride, self.dims)
        self.dilation = arguments.per_axis("dilation", dilation, self.dims)
        self.padding = padding if isinstance(padding, str) else arguments.per_axis("padding", padding, self.dims)
        self.padding_mode = padding_mode
        self._check_constructor()
        self._pairs = arguments.padding_pairs(self.padding, self.kernel_size, self.dims)
        self._parameterization = parameterizations.get(parameterization)
        self.parameterization = parameterization
        if tolerance is not None and not (isinstance(tolerance, int | float) and 0 < tolerance < 1):
            raise ValueError(f"tolerance={tolerance!r} must be a relative error, above 0 and below 1")
        self._tolerance = tolerance
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.coefficients = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.scale_per = scale_per
        self.initial_scale = scale
        scales = self._initial_scales()
        self.scale = None if scales is None else nn.Parameter(torch.tensor(scales, device=device, dtype=dtype))
        self._reach = 1.0 if scales is None else self._bound(max(scales)[0])
        self.reset_parameters()

    @property
    def tolerance(self) -> float:
        """Operator norm, relative to the kernel's, of what may be cut off; by default 1e-6, in float64 1e-12."""
        if self._tolerance is not None:
            return self._tolerance
        return 1e-12 if self.coefficients.dtype == torch.float64 else 1e-6

    def _check_constructor(self) -> None:
        for name in ("in_channels", "out_channels", "groups"):
            arguments.check_integer(name, getattr(self, name))
        if self.in_channels < 1 or self.out_channels < 1 or self.groups < 1:
            raise ValueError(
                f"in_channels={self.in_channels}, out_channels={self.out_channels} and groups={self.groups} "
                f"must be at least 1"
            )
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ValueError(f"{name}={getattr(self, name)} must be divisible by groups={self.groups}")
        if min(self.kernel_size) < 1:
            raise ValueError(f"kernel_size={self.kernel_size} must be at least 1 per axis")
        if isinstance(self.padding, str) and self.padding not in ("same", "valid"):
            raise ValueError(f"padding={self.padding!r} is not one of 'same', 'valid' or a number of pixels")
        if self.padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode={self.padding_mode!r} is not one of {', '.join(map(repr, PADDING_MODES))}")

    def _initial_scales(self) -> list[list[float]] | None:
        """Initial scales, (scales, 1), one per layer, channel or group of channels."""
        limits = self._parameterization.scale_limits
        if limits is None:
            if self.initial_scale != 1.0 or self.scale_per != "layer":
                raise ValueError(
                    f"parameterization={self.parameterization!r} has no scale; leave scale and scale_per out, "
                    f"or choose 'window' or 'scaled'"
                )
            return None
        known = {"layer": 1, "channel": self.out_channels}
        count = known.get(self.scale_per, 0) if isinstance(self.scale_per, str) else self.scale_per
        if not isinstance(count, int) or count < 1 or self.out_channels % count:
            raise ValueError(
                f"scale_per={self.scale_per!r} must be 'layer', 'channel' or a number of groups that divides "
                f"out_channels={self.out_channels}"
            )
        several = isinstance(self.initial_scale, tuple | list)
        pair = tuple(self.initial_scale) if isinstance(self.initial_scale, tuple | list) else (self.initial_scale,) * 2
        if len(pair) != 2 or not all(isinstance(s, int | float) and limits[0] <= s <= limits[1] for s in pair):
            raise ValueError(
                f"scale={self.initial_scale!r} must be a number of pixels, or two for log-spaced scales, "
                f"between {limits[0]} and {limits[1]}"
            )
        if several and count == 1:
            raise ValueError(f"scale={self.initial_scale} asks for several scales, but scale_per gives one")
        ratio = (pair[1] / pair[0]) ** (1 / max(count - 1, 1))
        return [[pair[0] * ratio**number] for number in range(count)]

    def _bound(self, largest: float) -> float:
        """The largest scale until the next refresh, for grids of a fixed size."""
        assert self._parameterization.scale_limits is not None
        return min(largest * HEADROOM, self._parameterization.scale_limits[1])

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw nn.ConvNd's initial taps and bias, with the same random numbers, and turn them into coefficients.

        The coefficients are divided by the gain of the parameterization, so that in expectation the output on white
        input has the variance that nn.ConvNd gives it.
        """
        taps = torch.empty_like(self.coefficients)
        nn.init.kaiming_uniform_(taps, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(taps[0].numel())
            nn.init.uniform_(self.bias, -bound, bound)
        scales = self._initial_scales()
        # on the host, as the sizes of windows are: no waiting for the device, and no values needed on 'meta'
        scale = torch.tensor([[1.0]] if scales is None else scales, dtype=taps.dtype, device="cpu")
        if self.scale is not None:
            self.scale.copy_(scale)
        gain = torch.stack([self._parameterization.gain(k, scale[:, 0]) for k in self.kernel_size]).prod(0)
        gain = gain.repeat_interleave(self.out_channels // gain.numel()).view(-1, *[1] * (self.dims + 1))
        self.coefficients.copy_(self._parameterization.coefficients(taps) / gain.to(taps.device))
        self.refresh()

    # --- from coefficients to spectra and taps ---

    def _scale(self) -> Tensor:
        """Scales in pixels, (scales,), held within their limits; gradients pass as if they were not."""
        if self.scale is None:
            return torch.ones(1, device=self.coefficients.device, dtype=self.coefficients.dtype)
        own = self.scale[:, 0]
        assert self._parameterization.scale_limits is not None
        held = own.detach().clamp(self._parameterization.scale_limits[0], self._reach)
        return held + (own - own.detach())  # the bracket is zero, whatever the scale, and passes the gradient

    def _window(self, kernel_size: int, tolerance: float) -> tuple[int, int]:
        return self._parameterization.window(kernel_size, self._reach, tolerance, self.dims)

    def _offsets(self) -> list[tuple[int, int]]:
        """First and last tap per axis, in pixels from the output pixel, within the tolerance."""
        return [
            tuple(position + origin(k) - left for position in self._window(k, self.tolerance))  # type: ignore[misc]
            for k, (left, _) in zip(self.kernel_size, self._pairs, strict=True)
        ]

    def _taps(self, kernel_size: int, first: int, last: int, scale: Tensor) -> Tensor:
        positions = lattice(first, last, device=scale.device)
        return self._parameterization.taps(positions, kernel_size, scale)

    def _spectrum(self, axes: tuple[Axis, ...]) -> Tensor:
        """Half spectrum on the axes' grid, its origin at the output pixel."""
        scale = self._scale()
        rows = half(tuple(axis.grid for axis in axes))
        matrices = []
        for axis, length, k, (left, _) in zip(axes, rows, self.kernel_size, self._pairs, strict=True):
            shift = origin(k) - left
            if self.padding_mode == "circular":
                matrix = self._parameterization.basis(axis.grid, length, k, scale, self._reach)
                if shift:
                    matrix = matrix * dft(axis.grid, lattice(shift, shift, scale.device), length, scale.dtype)
            else:
                offsets = lattice(axis.first, axis.last, device=scale.device)
                taps = self._taps(k, axis.first - shift, axis.last - shift, scale)
                matrix = transform(dft(axis.grid, offsets, length, scale.dtype), taps)
            matrices.append(matrix)
        return combine(self.coefficients, matrices)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve images (batch, in, *n) or (in, *n); the output's shape is nn.ConvNd's.

        Raises:
            RuntimeError: what nn.ConvNd refuses, with the sizes.
        """
        weights = self.coefficients
        arguments.check_input(input, self.dims, self.in_channels, weights.dtype, weights.device)
        arguments.check_real("input", input.dtype)
        n = tuple(input.shape[-self.dims :])
        size = arguments.output_size(n, self.kernel_size, self._pairs)
        circular = self.padding_mode == "circular"
        if circular:
            arguments.check_circular(n, self._pairs)
        axes = lay_out(n, size, self._offsets(), circular)
        return correlate(input, self._spectrum(axes), axes, self.bias, self.groups)

    # --- reading a layer ---

    def spectrum(self, grid: int | Sequence[int]) -> Tensor:
        """The kernels' half spectrum on a grid, centred on their origin.

        The DFT of the taps wrapped onto the grid; a circular layer with padding 'same' computes
        irfft(rfft(x) · conj(spectrum)) on images of that size.

        Args:
            grid: pixels per axis.

        Returns:
            Complex, (out, in/groups, *grid[:-1], grid[-1]//2 + 1).

        >>> FourierConv2d(3, 8, 5).spectrum((32, 32)).shape
        torch.Size([8, 3, 32, 17])
        """
        grid = arguments.per_axis("grid", grid, self.dims)
        if min(grid) < 1:
            raise ValueError(f"grid={grid} must be at least 1 per axis")
        self.refresh()
        scale = self._scale()
        matrices = [
            self._parameterization.basis(n, rows, k, scale, self._reach)
            for n, rows, k in zip(grid, half(grid), self.kernel_size, strict=True)
        ]
        return combine(self.coefficients, matrices)

    def kernel(self, size: int | Sequence[int] | None = None) -> Tensor:
        """The kernels' taps in a window whose origin is its tap (size - 1)//2.

        Args:
            size: taps per axis; by default a window that holds the kernels to the layer's `tolerance`.

        Returns:
            Real, (out, in/groups, *size).

        Raises:
            ValueError: a size below 1, or a default window of more than 4096 taps per axis, which 'spline' needs at
                float64's default tolerance: pass size=.

        >>> FourierConv2d(3, 8, 5).kernel().shape
        torch.Size([8, 3, 5, 5])
        """
        self.refresh()
        if size is None:
            largest = self._reach if self.scale is None or self.scale.is_meta else float(self.scale.detach().max())
            windows = [self._parameterization.window(k, largest, self.tolerance, self.dims) for k in self.kernel_size]
            # a window of an even number of taps keeps its origin left of the middle, as nn.ConvNd does
            sizes = tuple(
                max(-2 * first + 1, 2 * last) if k % 2 == 0 else max(-2 * first, 2 * last) + 1
                for k, (first, last) in zip(self.kernel_size, windows, strict=True)
            )
            if max(sizes) > 4096:
                raise ValueError(
                    f"tolerance={self.tolerance} takes {max(sizes)} taps per axis; pass size= or use a larger tolerance"
                )
        else:
            sizes = arguments.per_axis("size", size, self.dims)
        if min(sizes) < 1:
            raise ValueError(f"size={sizes} must be at least 1 per axis")
        return combine(self.coefficients, self._tap_matrices(sizes))

    def _tap_matrices(self, sizes: Sequence[int]) -> list[Tensor]:
        scale = self._scale()
        return [
            self._taps(k, -origin(size), size - 1 - origin(size), scale)
            for k, size in zip(self.kernel_size, sizes, strict=True)
        ]

    @torch.no_grad()
    def extent(self, mass: float = 0.95) -> Tensor:
        """Side of the centred window that holds a share `mass` of each kernel's energy, per axis, in pixels.

        The mass curve is interpolated between odd windows; 0 for a zero kernel. Energies along one axis only need the
        other axes' taps up to a rotation, so no large kernel is ever formed.

        Args:
            mass: share of the energy, above 0 and at most 1.

        Returns:
            (out, in/groups, dims)

        >>> FourierConv2d(3, 8, 5).extent().shape
        torch.Size([8, 3, 2])
        """
        self.refresh()
        tolerance = max(self.tolerance, 1e-6)  # in energy this is 1e-12
        reach = [max(map(abs, self._window(k, tolerance))) for k in self.kernel_size]
        matrices = self._tap_matrices([2 * r + 1 for r in reach])
        rotated = [torch.linalg.qr(matrix, mode="r")[1] for matrix in matrices]
        sides = []
        for axis in range(self.dims):
            mixed = [matrices[i] if i == axis else rotated[i] for i in range(self.dims)]
            others = [i + 2 for i in range(self.dims) if i != axis]
            energy = combine(self.coefficients, mixed).square()
            sides.append(extent(energy.sum(others) if others else energy, mass))
        return torch.stack(sides, -1)

    # --- training ---

    @torch.no_grad()
    def refresh(self) -> int:
        """Re-read the scales: hold them within their limits and resize the bound that fixes the grids.

        Grids are sized by a plain number, so that a forward pass never waits for the device; a scale may grow by a
        quarter until this is called again. A training loop calls it every few steps; `eval`, `load_state_dict` and
        the methods that read a layer do, too. It changes what is computed only where a scale was held at its bound.

        Returns:
            How many scales had reached their bound: what they would have grown beyond it was not applied.

        Raises:
            ValueError: a scale that is not a number.
        """
        if self.scale is None or self.scale.is_meta:
            return 0
        values = self.scale.flatten().tolist()
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"scale={values} must be finite: training diverged or the state is damaged")
        limits = self._parameterization.scale_limits
        assert limits is not None
        held = sum(not limits[0] <= value <= self._reach for value in values)
        self.scale.clamp_(*limits)
        self._reach = self._bound(max(min(max(values), limits[1]), limits[0]))
        return held

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """Groups for a torch optimizer: coefficients and bias as usual, scales faster and without weight decay.

        Coefficients are of the order of 1/√fan_in, scales of the order of pixels, hence their larger rate.

        Args:
            lr: learning rate of the coefficients.

        >>> layer = FourierConv2d(3, 8, 5, parameterization="scaled")
        >>> [group["lr"] for group in layer.parameter_groups(0.001)]
        [0.001, 0.01]
        """
        groups: list[dict[str, Any]] = [
            {"params": [p for p in (self.coefficients, self.bias) if p is not None], "lr": lr}
        ]
        if self.scale is not None:
            groups.append({"params": [self.scale], "lr": SCALE_RATE * lr, "weight_decay": 0.0})
        return groups

    def train(self, mode: bool = True) -> "_FourierConvNd":
        super().train(mode)
        if not mode:
            self.refresh()
        return self

    @property
    def weight(self) -> Tensor:
        """The taps of a 'spatial' layer, nn.ConvNd's weight; other parameterizations have `kernel()`."""
        if self.parameterization != "spatial":
            raise AttributeError("weight")  # nn.Module words the message
        return self.coefficients

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        if self.parameterization == "spatial" and f"{prefix}weight" in state_dict:
            state_dict[f"{prefix}coefficients"] = state_dict.pop(f"{prefix}weight")
        super()._load_from_state_dict(state_dict, prefix, *args)
        self.refresh()

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, padding={self.padding!r}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode!r}"
        text += f", parameterization={self.parameterization!r}"
        return text if self.scale is None else f"{text}, scale_per={self.scale_per!r}"


class FourierConv2d(_FourierConvNd):
    """nn.Conv2d whose kernels are made by a parameterization and applied in the Fourier domain.

    y_g = b_g + irfft(Σ_f conj(Ŵ_gf) · rfft(x_f)), draft equation (1), Ŵ being the spectrum that the parameterization
    makes of the coefficients. With 'spatial' the results are nn.Conv2d's and a state_dict of nn.Conv2d loads.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype:
            as for nn.Conv2d. kernel_size is the number of coefficients per axis; where kernels reach beyond it, the
            output's size still follows it. Stride and dilation are 1; padding_mode is 'zeros' or 'circular'.
        parameterization: one of `fourierconv.parameterizations.NAMES`.
        scale: initial scale in pixels where one is learned ('window': the Gaussian's σ, 'scaled': the spacing); two
            numbers give log-spaced scales from the first to the second.
        scale_per: 'layer', 'channel' (output channels), or a number of groups of output channels.
        tolerance: with padding other than circular, kernels that never end are cut where the dropped part has an
            operator norm of at most this share of the kernel's; 1e-6 in float32, 1e-12 in float64.

    Shapes:
        input (batch, in, y, x) or (in, y, x); output as nn.Conv2d's. Parameters, all real: `coefficients`
        (out, in/groups, ky, kx), `scale` (scales, 1) where one is learned, `bias` (out,).

    Raises:
        ValueError: channels that groups do not divide, an unknown name, a scale out of its limits.
        NotImplementedError: a stride or dilation above 1.

    >>> layer = FourierConv2d(3, 8, 5, padding=2, parameterization="scaled", scale=(1.0, 4.0), scale_per="channel")
    >>> layer(torch.randn(2, 3, 32, 32)).shape
    torch.Size([2, 8, 32, 32])
    """

    dims = 2


def fourier_layers(model: nn.Module) -> Iterator[_FourierConvNd]:
    """The Fourier layers of a model, in order.

    >>> len(list(fourier_layers(nn.Sequential(nn.Conv2d(1, 1, 3), FourierConv2d(1, 1, 3)))))
    1
    """
    return (module for module in model.modules() if isinstance(module, _FourierConvNd))
