"""nn.ConvNd with kernels learned through a parameterization and applied in the Fourier domain."""

import math
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from numbers import Real
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from fourierconv import arguments, parameterizations
from fourierconv.autocast import beyond_autocast, never_autocast
from fourierconv.eager import eager, underneath
from fourierconv.engines.dispatch import Memory, check_name, correlate
from fourierconv.kernels import AxisKernel, written_out
from fourierconv.parameterizations import Parameterization
from fourierconv.reading import Readable
from fourierconv.scales import Bounds, Initial, count
from fourierconv.separable import combine
from fourierconv.sharding import whole

PADDING_MODES = ("zeros", "circular", "reflect", "replicate")
WINDOW_LIMITS = (0.2, 64.0)  # of a learned Gaussian window's σ, in pixels
SCALE_RATE = 10.0  # learning rate of scales, in pixels, relative to that of coefficients, which are below 1


class Frozen(threading.local):
    """Where a layer keeps its kernels while it is frozen, in each thread by itself; a copy of it is not frozen.

    Attributes:
        memory: the kernels, None where the layer is not frozen.
        bounds: those of its scales when it was frozen, by name.
    """

    memory: Memory | None = None
    bounds: Mapping[str, Bounds] = MappingProxyType({})

    def __deepcopy__(self, memo: dict[int, object]) -> "Frozen":
        return Frozen()

    def __reduce__(self) -> tuple[type["Frozen"], tuple[()]]:
        return Frozen, ()


class _FourierConvNd(Readable):
    """What the layers share; written over a tuple of axes."""

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
        scale: Initial = 1.0,
        scale_per: str | int = "layer",
        per_axis: bool = False,
        window: Initial | None = None,
        reference_grid: int | Sequence[int] | None = None,
        tolerance: float | None = None,
        engine: str = "auto",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        dtype = torch.get_default_dtype() if dtype is None else dtype
        if not isinstance(dtype, torch.dtype):
            raise TypeError(f"dtype={dtype!r} must be a torch.dtype, as torch.float32 is")
        arguments.check_real("dtype", dtype)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = arguments.positive("kernel_size", kernel_size, self.dims)
        self.stride = arguments.positive("stride", stride, self.dims)
        self.dilation = arguments.positive("dilation", dilation, self.dims)
        self.padding = padding if isinstance(padding, str) else arguments.padding_pixels(padding, self.dims)
        self.padding_mode = padding_mode
        self._check_constructor(tolerance)
        check_name(engine)
        self._tolerance = tolerance
        self.engine, self.recompute = engine, recompute
        self._frozen = Frozen()
        self.parameterization = parameterization
        self._axes = self._parameterizations(reference_grid)

        self.coefficients = nn.Parameter(torch.empty(self._shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.reference_grid = tuple(own.grid(k) for own, k in zip(self._axes, self.kernel_size, strict=True))
        with torch.device("cpu"):  # the random numbers of one device, wherever they go
            self.coordinates = self._axes[0].coordinates(self._shape, self.reference_grid)
        if self.coordinates is not None:
            self.coordinates.to(self.coefficients.device, dtype)

        self.scale_per, self.per_axis, self.initial_scale, self.initial_window = scale_per, per_axis, scale, window
        self._scale_bounds, self._window_bounds = self._bounds()
        self.scale = self._learned(self._scale_bounds, scale)
        self.window = self._learned(self._window_bounds, window)
        self.reset_parameters()
        self.register_load_state_dict_post_hook(_refresh)

    @property
    def tolerance(self) -> float:  # type: ignore[override]
        """Operator norm, relative to the kernel's, of what may be cut off; by default 1e-6, in float64 1e-12."""
        if self._tolerance is not None:
            return self._tolerance
        return 1e-12 if self._like().dtype == torch.float64 else 1e-6

    @property
    def _pairs(self) -> tuple[tuple[int, int], ...]:  # type: ignore[override]
        """Pixels of padding, (left, right) per axis, also where `padding` was changed."""
        return arguments.padding_pairs(self.padding, self.kernel_size, self.dilation, self.stride)

    @property
    def _shape(self) -> tuple[int, ...]:
        """Of the coefficients."""
        widths = [own.width(k) for own, k in zip(self._axes, self.kernel_size, strict=True)]
        return (self.out_channels, self.in_channels // self.groups, *widths)

    def _check_constructor(self, tolerance: float | None) -> None:
        for name in ("in_channels", "out_channels", "groups"):
            arguments.check_integer(name, getattr(self, name))
        if self.groups < 1:
            raise ValueError(f"groups={self.groups} must be at least 1")
        if self.in_channels < 1 or self.out_channels < 1:  # nn.ConvNd raises the same, some of it when called
            raise RuntimeError(f"in_channels={self.in_channels}, out_channels={self.out_channels} must be at least 1")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ValueError(f"{name}={getattr(self, name)} must be divisible by groups={self.groups}")
        if isinstance(self.padding, str) and self.padding not in ("same", "valid"):
            raise ValueError(f"padding={self.padding!r} is not one of 'same', 'valid' or a number of pixels")
        if self.padding == "same" and max(self.stride) > 1:
            raise ValueError(f"padding='same' needs stride=1, but stride={self.stride}; pass padding in pixels")
        if self.padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode={self.padding_mode!r} is not one of {', '.join(map(repr, PADDING_MODES))}")
        if tolerance is not None and not (isinstance(tolerance, Real) and 0 < tolerance < 1):
            raise ValueError(f"tolerance={tolerance!r} must be a relative error, above 0 and below 1")

    def _parameterizations(self, reference_grid: int | Sequence[int] | None) -> list[Parameterization]:
        """One per axis, since each may have a reference grid of its own."""
        grids: Sequence[int | None] = [None] * self.dims
        if reference_grid is not None:
            grids = arguments.positive("reference_grid", reference_grid, self.dims)
        axes = [parameterizations.get(self.parameterization, grid) for grid in grids]
        for own, k in zip(axes, self.kernel_size, strict=True):
            own.check(k)
        return axes

    # --- learned scales ---

    def _bounds(self) -> tuple[Bounds | None, Bounds | None]:
        """Limits of the parameterization's scale and of the window's width, where there is one."""
        limits = self._axes[0].scale_limits
        name = self.parameterization
        if limits is None and self.initial_scale != 1.0:
            raise ValueError(
                f"scale={self.initial_scale!r}: parameterization={name!r} has no scale; {_having_scales()}"
            )
        if limits is None and self.initial_window is None and (self.scale_per != "layer" or self.per_axis):
            raise ValueError(
                f"scale_per={self.scale_per!r}, per_axis={self.per_axis}: parameterization={name!r} has no scale; "
                f"{_having_scales()}, or a window"
            )
        if name == "window" and self.initial_window is not None:
            raise ValueError(
                f"window={self.initial_window!r}: parameterization='window' has one, its scale; pass scale= instead"
            )
        return (
            None if limits is None else Bounds("scale", limits),
            None if self.initial_window is None else Bounds("window", WINDOW_LIMITS),
        )

    def _initial(self, bounds: Bounds, value: Initial) -> list[list[float]]:
        number = count(self.scale_per, self.out_channels)
        return bounds.initial(value, number, self.dims if self.per_axis else 1)

    def _learned(self, bounds: Bounds | None, value: Initial | None) -> nn.Parameter | None:
        if bounds is None:
            return None
        if value is None:
            raise ValueError(f"{bounds.name}=None must be a number of pixels; {self.parameterization!r} learns one")
        return nn.Parameter(self.coefficients.new_tensor(self._initial(bounds, value)))

    def _scales(self) -> Iterator[tuple[Bounds, nn.Parameter, Initial]]:
        """Those that the layer has: their bounds, the parameter and where it starts."""
        if self._scale_bounds is not None and self.scale is not None:
            yield self._scale_bounds, self.scale, self.initial_scale
        if self._window_bounds is not None and self.window is not None and self.initial_window is not None:
            yield self._window_bounds, self.window, self.initial_window

    @never_autocast
    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw nn.ConvNd's initial taps and bias, with the same random numbers, and turn them into coefficients.

        The coefficients are divided by the gain of the parameterization, so that in expectation the output on white
        input has the variance that nn.ConvNd gives it. An initialization of your own, as nn.init's of `coefficients`,
        knows of no gain; `fourierconv.from_conv` of an nn.ConvNd that is initialized starts from its taps.

        >>> layer = FourierConv2d(3, 8, 5)
        >>> torch.nn.init.zeros_(layer.weight).requires_grad
        True
        >>> layer.reset_parameters()
        >>> bool(layer.weight.any())
        True
        """
        taps = torch.empty_like(self.coefficients)
        nn.init.kaiming_uniform_(taps, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_channels // self.groups * math.prod(self.kernel_size))
            nn.init.uniform_(self.bias, -bound, bound)
        if self.coordinates is not None:
            self.coordinates.reset_parameters()
        for bounds, parameter, value in self._scales():
            initial = self._initial(bounds, value)
            bounds.look(initial)
            parameter.copy_(torch.tensor(initial, dtype=torch.float64, device=parameter.device))
        if not taps.is_meta:
            gain = self._gain().repeat_interleave(self.out_channels // count(self.scale_per, self.out_channels))
            taps = self._axes[0].coefficients(taps) / gain.view(-1, *[1] * (self.dims + 1)).to(taps)
            self.coefficients.copy_(taps)
        self.refresh()

    def _gain(self) -> Tensor:
        """Root of the expected energy of the kernels per unit coefficient, relative to nn.ConvNd's, (scales,)."""
        kernels = self._kernels()
        scales = count(self.scale_per, self.out_channels)
        if self.coordinates is None and (self.window is None or any(kernel.long for kernel in kernels)):
            gains = [kernel.gain() for kernel in kernels]
            return torch.stack(gains).prod(0).expand(scales)
        columns = [kernel.column_energies().unsqueeze(1) for kernel in kernels]
        ones = columns[0].new_ones([column.shape[-1] for column in columns])
        energy = ones if self.coordinates is None else self.coordinates.energy().to(ones)
        total = combine(energy.expand(scales, 1, *energy.shape), columns)
        return (total.flatten() / math.prod(self.coefficients.shape[2:])).sqrt()

    # --- from coefficients to spectra ---

    def _like(self) -> Tensor:
        """Has the dtype and device of the coefficients, and does not make them where they are parametrized."""
        if not parametrize.is_parametrized(self, "coefficients"):
            return self.coefficients
        makers: Any = self.get_submodule("parametrizations.coefficients")
        return makers.original if hasattr(makers, "original") else makers.original0  # of several tensors

    def _unstepped(self) -> Tensor:
        """The coefficients; of parametrizations that take a step whenever they are read in training, without it."""
        if not parametrize.is_parametrized(self, "coefficients"):
            return self.coefficients
        makers = {maker: maker.training for maker in self.get_submodule("parametrizations.coefficients").modules()}
        try:
            for maker in makers:
                maker.training = False
            return self.coefficients
        finally:
            for maker, training in makers.items():
                maker.training = training

    def _theta(self, coefficients: Tensor | None = None) -> Tensor:
        coefficients = self._unstepped() if coefficients is None else coefficients
        theta = coefficients.to(arguments.computed_in(coefficients.dtype))
        return theta if self.coordinates is None else self.coordinates(theta)

    def _kernels(self, tight: bool = False) -> list[AxisKernel]:
        like = self._like()
        one = torch.ones(1, device=like.device, dtype=arguments.computed_in(like.dtype))
        held = {}
        for known, parameter, _ in self._scales():
            bounds = known.present(parameter) if tight else self._fitting(known, parameter)
            scales = [bounds.hold(parameter.to(one.dtype), axis) for axis in range(parameter.shape[1])]
            if len(scales) < self.dims:  # one for all axes
                scales = [scales[0] for _ in range(self.dims)]
            held[bounds.name] = [(own, bounds.bound(axis)) for axis, own in enumerate(scales)]
        if tight and not one.is_meta:
            held = {
                # of NaN, the bound
                name: [(own, min(bound, float(underneath(own.detach()).max()))) for own, bound in axes]
                for name, axes in held.items()
            }
        kernels = []
        for axis, (own, k, dilation) in enumerate(zip(self._axes, self.kernel_size, self.dilation, strict=True)):
            scale, reach = held["scale"][axis] if "scale" in held else (one, 1.0)
            window, window_reach = held["window"][axis] if "window" in held else (None, 1.0)
            kernels.append(AxisKernel(own, k, dilation, scale, reach, window, window_reach))
        return kernels

    def _fitting(self, bounds: Bounds, parameter: Tensor) -> Bounds:
        """Bounds of what is applied; those of a parametrized scale, another tensor every time, wait for `refresh`."""
        if self._frozen.memory is not None:
            return self._frozen.bounds[bounds.name]
        if parametrize.is_parametrized(self, bounds.name):
            return bounds
        return bounds.fitting(parameter, self.training)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve images; the output's shape is nn.ConvNd's.

        Args:
            input: real images, (batch, in, *n) or (in, *n), in the dtype of the coefficients.

        Returns:
            (batch, out, *n') or (out, *n').

        Raises:
            RuntimeError: what nn.ConvNd refuses, with the sizes; export to ONNX, which has no complex numbers.

        >>> layer = FourierConv2d(3, 8, 5, stride=2, padding=2)
        >>> layer(torch.randn(3, 32, 32)).shape
        torch.Size([8, 16, 16])
        """
        if torch.onnx.is_in_onnx_export():
            raise RuntimeError(
                f"{type(self).__name__} cannot be exported to ONNX; export the network that fourierconv.to_conv returns"
            )
        weights = self.coefficients  # once: those that are parametrized are made anew whenever they are read
        return beyond_autocast(partial(self._correlate, weights), input, self.bias, dtype=weights.dtype)

    def _correlate(self, weights: Tensor, input: Tensor, bias: Tensor | None) -> Tensor:
        arguments.check_input(input, self.dims, self.in_channels, weights.dtype, weights.device)
        arguments.check_real("input", input.dtype)
        if weights.shape[1:] != self._shape[1:]:
            raise RuntimeError(f"coefficients must have shape {list(self._shape)}, but got {list(weights.shape)}")
        arguments.check_bias(bias, weights.shape[0], input.dtype, input.device)
        n = arguments.image_size(input, self.dims)
        size = arguments.output_size(n, self.kernel_size, self._pairs, self.stride, self.dilation)
        arguments.check_border(self.padding_mode, n, self._pairs)
        arguments.check_finite(input=input, coefficients=weights)
        strides = tuple(s if m > 1 else 1 for s, m in zip(self.stride, size, strict=True))  # no matter to one output
        if self.training and self._frozen.memory is None and not torch.compiler.is_compiling():
            for bounds, _, _ in self._scales():
                bounds.trained += 1
        theta, kernels = written_out(self._theta(weights), self._kernels())
        filters = []
        for axis, (kernel, (left, _)) in enumerate(zip(kernels, self._pairs, strict=True)):
            support = kernel.support(self.tolerance, self.dims)
            ends = self.padding_mode == "circular" and kernel.ends(self.tolerance, self.dims)
            filters.append(kernel.lay_out(self.padding_mode, support, n[axis], size[axis], strides[axis], left, ends))
        return correlate(
            input,
            theta,
            filters,
            bias,
            self.groups,
            self.padding_mode,
            self.engine,
            self.recompute,
            self._frozen.memory,
        )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """For evaluation: within it, spectra of the kernels are computed once for every size of images.

        What makes the kernels must not change there: sizes that were met before would not see it, others would. What
        functional_call puts in its place is not seen, and it gets no gradients; images do, and the bias is read and
        learned as ever. It holds in this thread and for this layer, not for copies of it. Compiled code and the
        transforms of torch.func take no notice of it. `fourierconv.frozen` does it for all layers of a model.

        >>> layer, x = FourierConv2d(3, 8, 5), torch.randn(2, 3, 32, 32)
        >>> with layer.frozen():
        ...     torch.equal(layer(x), layer(x))
        True
        """
        before = self._frozen.memory, self._frozen.bounds
        self._frozen.memory = None
        try:
            # copies: `refresh` changes the layer's own
            bounds = {own.name: replace(self._fitting(own, parameter)) for own, parameter, _ in self._scales()}
            self._frozen.bounds = bounds
            self._frozen.memory = {}
            yield
        finally:
            self._frozen.memory, self._frozen.bounds = before

    # --- training ---

    @torch.no_grad()
    def refresh(self) -> int:
        """Re-read the scales: hold them within their limits and resize the bound that fixes the grids.

        Grids are sized by a plain number, so that training never waits for the device; a scale may grow by a quarter
        until this is called again. A training loop calls it every few steps; `train`, `eval` and `load_state_dict` do,
        too. It changes what is computed only where a scale was held at its bound. Without it kernels stay there, while
        the parameter goes on growing; where a scale has gone far beyond its bound in training, other than in compiled
        code, a UserWarning says so.

        Parameters of another layer (torch.func.functional_call, ensembles) bring their own bounds, and a layer in eval
        mode notices changes that torch makes in place, an average of networks for example; for both it may wait for the
        device. What torch does not count as a change waits for this call: of `.data`, by a fused optimizer, of
        shared memory, of inference tensors, and of what FSDP gathers. So do compiled code, functional calls within it
        included, and parametrized scales. Between a checkpointed forward pass and its backward pass it may change
        shapes, which torch.utils.checkpoint refuses.

        Returns:
            How many scales, and widths of windows, had reached their bound: what they would have grown beyond it was
            not applied. Learned positions that had left their window are counted, too.

        Raises:
            ValueError: a scale that is not a number.

        A scale that torch.nn.utils.parametrize makes is held when it is applied; what it is made of stays as it is.

        >>> layer = FourierConv2d(3, 8, 5, parameterization="scaled")
        >>> _ = layer.scale.data.fill_(5.0)  # until now 1.25 is the most that is applied
        >>> layer.refresh(), layer.refresh()
        (1, 0)
        """
        held = 0 if self.coordinates is None else self.coordinates.refresh()
        for bounds, parameter, _ in self._scales():
            if parameter.is_meta:
                bounds.others = None
                continue
            if not (parametrize.is_parametrized(self, bounds.name) or bounds.are_of(parameter)):
                bounds.reach = []  # another tensor, which was held by its own
            beyond, outside = bounds.read(parameter)
            held += beyond
            if outside:
                parameter.clamp_(*bounds.limits)
                bounds.read(parameter)
        return held

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """Groups for a torch optimizer: coefficients and bias as usual, what is in pixels faster and without decay.

        Coefficients are of the order of 1/√fan_in, scales, windows and positions of the order of pixels, hence their
        rate, ten times as large. `fourierconv.parameter_groups` has those of a whole model, and says what SGD needs.

        Args:
            lr: learning rate of the coefficients.

        >>> layer = FourierConv2d(3, 8, 5, parameterization="scaled")
        >>> [group["lr"] for group in layer.parameter_groups(0.001)]
        [0.001, 0.01]
        """
        names = [bounds.name for bounds, _, _ in self._scales()]
        own = ((name.removeprefix("parametrizations."), parameter) for name, parameter in self.named_parameters())
        in_pixels = [parameter for name, parameter in own if name.split(".")[0] in names]
        if self.coordinates is not None and self.coordinates.in_pixels:
            in_pixels += self.coordinates.parameters()
        fast = {id(parameter) for parameter in in_pixels}
        groups: list[dict[str, Any]] = [{"params": [p for p in self.parameters() if id(p) not in fast], "lr": lr}]
        if in_pixels:
            groups.append({"params": in_pixels, "lr": SCALE_RATE * lr, "weight_decay": 0.0})
        return groups

    def train(self, mode: bool = True) -> "_FourierConvNd":
        super().train(mode)
        self.refresh()
        return self

    @property
    def _has_weight(self) -> bool:
        return self.parameterization == "spatial" and self.initial_window is None

    @property
    def weight(self) -> Tensor:
        """The taps of a 'spatial' layer without a window, nn.ConvNd's weight; all others have `kernel()`.

        >>> layer = FourierConv2d(3, 8, 5)
        >>> layer.weight = nn.Parameter(torch.zeros(8, 3, 5, 5))
        >>> bool(layer.coefficients.any())
        False
        """
        if not self._has_weight:
            raise AttributeError("weight")  # nn.Module words the message
        return self.coefficients

    @weight.setter
    def weight(self, value: nn.Parameter) -> None:
        self.register_parameter("weight", value)

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None:
        if name == "weight":
            if not self._has_weight:
                raise AttributeError(
                    f"a layer of {self._described()} has coefficients and no weight; "
                    f"fourierconv.from_conv makes one that has the taps of an nn.ConvNd"
                )
            self.coefficients = param  # type: ignore[assignment]
            return
        if name == "weight_orig":  # of torch.nn.utils.prune, which would then fail and leave it there
            raise AttributeError(f"{type(self).__name__} keeps its weight as 'coefficients': pass that name instead")
        super().register_parameter(name, param)

    def _described(self) -> str:
        return f"parameterization={self.parameterization!r}" + " and a window" * (self.initial_window is not None)

    def _kind(self) -> dict[str, Any]:
        """What coefficients mean, as far as their shape does not tell; kept beside them, not among them."""
        grid = {"reference_grid": self.reference_grid} if self._axes[0].has_reference_grid else {}
        return {"parameterization": self.parameterization, **grid}

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if hasattr(destination, "_metadata"):
            destination._metadata.setdefault(prefix[:-1], {}).update(self._kind())

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        if self._has_weight:  # nn.ConvNd's names, parametrized ones included
            for key in [key for key in state_dict if key.startswith(prefix)]:
                name = re.sub(r"^(parametrizations\.|)weight(?=$|\.|_[gv]$)", r"\1coefficients", key[len(prefix) :])
                state_dict[prefix + name] = state_dict.pop(key)
        refusals = list(self._refusals(state_dict, prefix, local_metadata))
        error_msgs.extend(f"layer {prefix[:-1]!r}: {refusal}" if prefix else refusal for refusal in refusals)
        if not refusals:
            super()._load_from_state_dict(
                state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
            )
            return
        for name, child in self.named_children():  # all of it or nothing: torch goes on to load these
            child.state_dict(destination=state_dict, prefix=f"{prefix}{name}.", keep_vars=True)

    def _refusals(self, state: dict[str, Any], prefix: str, metadata: dict[str, Any]) -> Iterator[str]:
        """Why the state of another layer would make other kernels here."""
        for name, own in self._kind().items():
            if metadata.get(name, own) != own:
                yield f"the state is of {name}={metadata[name]!r}, the layer has {name}={own!r}; build it alike"
                return
        if f"{prefix}weight" in state and f"{prefix}coefficients" not in state:
            yield (
                f"the state is of an nn.ConvNd, the layer has {self._described()}; "
                f"load it in the nn.ConvNd, then fourierconv.from_conv"
            )
        for name, parameter in self.named_parameters():
            given = state.get(prefix + name)
            if isinstance(given, Tensor) and given.shape != parameter.shape:
                yield f"size mismatch for {name}: the state has {list(given.shape)}, the layer {list(parameter.shape)}"
        in_pixels = [bounds.name for bounds, _, _ in self._scales()]
        if self.coordinates is not None and self.coordinates.in_pixels:
            in_pixels += [f"coordinates.{name}" for name, _ in self.coordinates.named_parameters()]
        for name in in_pixels:
            given = state.get(prefix + name)
            if isinstance(given, Tensor) and not given.is_meta and not bool(whole(given).isfinite().all()):
                yield f"{name} must be finite, but the state has NaN or Inf"

    @never_autocast
    @torch.no_grad()
    def extra_repr(self) -> str:
        """The arguments, and the kernels' present extent per axis, the median over all of them, in pixels."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        if max(self.stride) > 1:
            text += f", stride={self.stride}"
        text += f", padding={self.padding!r}"
        if max(self.dilation) > 1:
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode!r}"
        text += f", parameterization={self.parameterization!r}"
        if self._axes[0].has_reference_grid:
            text += f", reference_grid={self.reference_grid}"
        if any(self._scales()):
            text += f", scale_per={self.scale_per!r}"
        if self._like().is_meta or not eager(self._like()):  # sharded, mapped or traced
            return text
        try:
            sides = self._extent(0.95).flatten(0, 1).sort(0).values
        except ValueError:  # scales that are no numbers
            sides = torch.full((1, self.dims), math.nan)
        middle = sides[(len(sides) - 1) // 2]  # not `median`, which is not deterministic on CUDA
        return f"{text}, extent=({', '.join(f'{side:.1f}' for side in middle)})"


def _refresh(layer: _FourierConvNd, _: object) -> None:
    """After a state_dict has been loaded, that of the coordinates included."""
    for bounds, _, _ in layer._scales():
        bounds.trained = 0  # with what is no more
    layer.refresh()


def _having_scales() -> str:
    having = [name for name in parameterizations.NAMES if parameterizations.get(name).scale_limits is not None]
    return f"leave it out, or choose {' or '.join(map(repr, having))}"


class FourierConv1d(_FourierConvNd):
    """nn.Conv1d whose kernels are made by a parameterization and applied in the Fourier domain; see `FourierConv2d`.

    Kernels may be as long as the sequence. Where 'spatial', 'spectral', 'free', 'truncated', 'window' or 'implicit' has
    more than 724 coefficients or reference points along an axis, taps are made by FFT or as they are, without a matrix.

    Shapes:
        input (batch, in, n) or (in, n); output as nn.Conv1d's; `coefficients` (out, in/groups, k).

    >>> layer = FourierConv1d(3, 8, 9, stride=4, padding=4, parameterization="scaled", scale=(1.0, 16.0), scale_per=4)
    >>> layer(torch.randn(2, 3, 400)).shape
    torch.Size([2, 8, 100])
    """

    dims = 1


class FourierConv2d(_FourierConvNd):
    """nn.Conv2d whose kernels are made by a parameterization and applied in the Fourier domain.

    y_g[r] = b_g + Σ_f Σ_t w_gf[t] x_f[stride·r + t + origin - padding], computed as
    y_g = b_g + irfft(Σ_f conj(Ŵ_gf) · rfft(x_f)), draft equation (1), Ŵ being the spectrum that the parameterization
    makes of the coefficients. With 'spatial' the results are nn.Conv2d's and a state_dict of nn.Conv2d loads. Outputs
    need not keep the layout of channels_last. An FFT spreads a NaN or Inf over the whole image;
    torch.autograd.detect_anomaly() has it refused by name instead.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype:
            as for nn.Conv2d. kernel_size is the number of coefficients per axis; where kernels reach beyond it, the
            output's size still follows it, and they read what the border is continued with: zeros, the image again
            ('circular'), its reflection ('reflect') or its edge ('replicate'). float16 and bfloat16 are computed in
            float32.
        parameterization: one of `fourierconv.parameterizations.NAMES`.
        scale: initial scale in pixels where one is learned ('window' and 'hermite': the Gaussian's σ, 'scaled': the
            spacing), counted before dilation; two numbers give log-spaced scales from the first to the second.
        scale_per: 'layer', 'channel' (output channels), or a number of groups of output channels.
        per_axis: whether every axis has scales of its own.
        window: initial width σ, 0.2 to 64 pixels before dilation, of a learned Gaussian window that every
            parameterization but 'window' may be multiplied by, which smooths its spectrum; two numbers as for scale.
            One per scale_per and per_axis.
        reference_grid: pixels per axis of the kernels of 'free' (by default kernel_size), 'truncated', 'bilinear',
            'spline_open', 'implicit' (32) and 'spacings' (17); an int or one per axis.
        tolerance: with padding other than circular, kernels that never end are cut where the dropped part has an
            operator norm of at most this share of the kernel's; 1e-6 in float32, 1e-12 in float64. Beyond the edge
            'replicate' reads 4096 pixels at most.
        engine: what computes it, unless `fourierconv.engine` says another: 'auto', 'whole', 'tiled', 'direct' or
            'triton'.
        recompute: whether the backward pass transforms the images again, which takes a quarter more time, instead of
            keeping their spectra, which take about the memory of the images.

    Shapes:
        input (batch, in, y, x) or (in, y, x); output as nn.Conv2d's. Parameters, all real: `coefficients`
        (out, in/groups, ky, kx), for 'free' (out, in/groups, *reference_grid); `scale` and `window` (scales, 1), or
        (scales, 2) per axis, where they are learned; `bias` (out,); those of `coordinates`, where kernels are not
        separable in their coefficients.

    Raises:
        ValueError: channels that groups do not divide, an unknown name, a scale out of its limits, 'same' with a
            stride; an argument that the parameterization has no use for.
        RuntimeError, TypeError: sizes that are no numbers or have the wrong number of axes.

    >>> layer = FourierConv2d(3, 8, 5, padding=2, parameterization="scaled", scale=(1.0, 4.0), scale_per="channel")
    >>> layer(torch.randn(2, 3, 32, 32)).shape
    torch.Size([2, 8, 32, 32])
    """

    dims = 2


class FourierConv3d(_FourierConvNd):
    """nn.Conv3d whose kernels are made by a parameterization and applied in the Fourier domain; see `FourierConv2d`.

    Shapes:
        input (batch, in, z, y, x) or (in, z, y, x); output as nn.Conv3d's; `coefficients` (out, in/groups, kz, ky, kx).

    >>> layer = FourierConv3d(1, 4, 3, padding=1, parameterization="scaled", scale=1.5, per_axis=True)
    >>> layer(torch.randn(2, 1, 8, 12, 12)).shape, layer.scale.shape
    (torch.Size([2, 4, 8, 12, 12]), torch.Size([1, 3]))
    """

    dims = 3


def fourier_layers(model: nn.Module) -> Iterator[_FourierConvNd]:
    """The Fourier layers of a model, in order.

    >>> len(list(fourier_layers(nn.Sequential(nn.Conv2d(1, 1, 3), FourierConv2d(1, 1, 3)))))
    1
    """
    return (module for module in model.modules() if isinstance(module, _FourierConvNd))
