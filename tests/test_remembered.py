"""Matrices that nothing learned enters are made once."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from fourierconv import FourierConv2d, engine
from fourierconv.kernels import AxisKernel
from fourierconv.parameterizations import NAMES, get
from fourierconv.remembered import LARGEST, _made, remembered

LEARNED = [name for name in NAMES if get(name).scale_limits is not None]
CONSTANT = [name for name in NAMES if name not in LEARNED]


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    _made.cache_clear()
    yield
    _made.cache_clear()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The matrices that were made, in their order."""
    names: list[str] = []
    for name in ("taps", "basis"):
        own = getattr(AxisKernel, name)
        monkeypatch.setattr(AxisKernel, name, lambda *given, own=own, name=name: names.append(name) or own(*given))  # type: ignore[func-returns-value]
    return names


def step(layer: FourierConv2d) -> list[Tensor]:
    y = layer(torch.linspace(-1, 1, 2 * 12 * 11).view(1, 2, 12, 11).to(layer.coefficients))
    return [y.detach(), *torch.autograd.grad(y.square().sum(), list(layer.parameters()))]


@pytest.mark.parametrize("padding_mode", ["zeros", "circular"])
@pytest.mark.parametrize("name", CONSTANT)
def test_a_second_step_makes_no_matrix_and_gives_the_same(name: str, padding_mode: str, made: list[str]) -> None:
    layer = FourierConv2d(2, 3, 5, padding=2, padding_mode=padding_mode, parameterization=name)
    made.clear()  # gains of the first coefficients were made of some
    first = step(layer)
    assert bool(made) == (name != "spatial")  # whose coefficients are the taps
    made.clear()
    assert all(map(torch.equal, step(layer), first))
    assert not made


@pytest.mark.parametrize("options", [*({"parameterization": name} for name in LEARNED), {"window": 2.0}])
def test_matrices_of_learned_sizes_are_made_in_every_step(options: dict[str, object], made: list[str]) -> None:
    layer = FourierConv2d(2, 3, 5, padding=2, **options)  # type: ignore[arg-type]
    step(layer)
    made.clear()
    step(layer)
    assert made


def test_layers_that_differ_do_not_share_them() -> None:
    def outputs() -> list[Tensor]:
        layers = [
            FourierConv2d(2, 3, k, padding=2 * d, dilation=d, parameterization=name, reference_grid=grid, dtype=dtype)
            for name, grid in (("spline", None), ("spectral", None), ("truncated", 8), ("truncated", 9))
            for k in (4, 5)
            for d in (1, 2)
            for dtype in (torch.float32, torch.float64)
        ]
        return [layer(torch.ones(1, 2, 12, 11, dtype=layer.coefficients.dtype)) for layer in layers]

    torch.manual_seed(0)
    together = outputs()
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fourierconv.remembered.LARGEST", -1)
        apart = outputs()
    for one, other in zip(together, apart, strict=True):
        assert torch.equal(one, other)


def test_what_was_made_for_inference_can_be_trained_with() -> None:
    layer, x = FourierConv2d(2, 3, 5, padding=2, parameterization="spline"), torch.ones(1, 2, 12, 11)
    with torch.inference_mode():
        y = layer(x)
    assert torch.equal(layer(x), y)
    layer(x).sum().backward()
    assert layer.coefficients.grad is not None


@pytest.mark.parametrize("name", ["spline", "scaled"])
def test_layers_are_not_kept_alive(name: str) -> None:
    layer = FourierConv2d(2, 3, 5, padding=2, parameterization=name)
    with engine("whole"):
        step(layer)
    memory = StorageWeakRef(layer.coefficients.untyped_storage())
    del layer
    assert memory.expired()


def test_nothing_is_kept_of_what_is_large_or_mapped() -> None:
    def two(like: Tensor, size: int) -> list[Tensor]:
        return [remembered(lambda: torch.ones(2), like, size, "ones") for _ in range(2)]

    like = torch.zeros(3)
    one, other = two(like, LARGEST + 1)
    assert one is not other
    torch.func.vmap(lambda row: torch.stack(two(row, 2)).sum() + row)(like)
    assert _made.cache_info().currsize == 0
    one, other = two(like, 2)
    assert one is other
