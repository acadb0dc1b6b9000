"""The three equations in parts: how the work is divided changes nothing, and memory that runs out is explained."""

import pytest
import torch
from torch import Tensor

from fourierconv import FourierConv2d, spectral
from fourierconv.engines import contraction
from fourierconv.engines.contraction import Contraction
from fourierconv.engines.tiles import Tiles

SHAPES = {"dense": (1, 4, 6), "grouped": (2, 4, 6), "depthwise": (4, 4, 4)}  # groups, in, out
TILES = Tiles((12, 10), (8, 7), (2, 2), (3, 1))


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TRANSFORMED", 4000), ("MULTIPLIED", 9000), ("ROWS", 1), ("RUN", 1)):
        monkeypatch.setattr(contraction, name, value)


def operands(shape: str) -> tuple[Tensor, Tensor, int]:
    groups, inner, out = SHAPES[shape]
    x = torch.randn(5, inner, 15, 13, dtype=torch.float64, requires_grad=True)
    taps = torch.randn(out, inner // groups, 5, 4, dtype=torch.float64)
    return x, torch.fft.rfft2(taps, s=TILES.grid).requires_grad_(), groups


def results(shape: str, recompute: bool = False) -> list[Tensor]:
    torch.manual_seed(0)
    x, spectrum, groups = operands(shape)
    y = spectral.correlate(x, spectrum, TILES, (15, 13), groups, recompute)
    return [y, *torch.autograd.grad(y, (x, spectrum), y.detach().cos())]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("recompute", [False, True])
def test_parts_make_no_difference(shape: str, recompute: bool, request: pytest.FixtureRequest) -> None:
    whole = results(shape)
    request.getfixturevalue("_small_parts")
    for one, other in zip(whole, results(shape, recompute), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("_small_parts")
def test_small_parts_are_small() -> None:
    own = Contraction(TILES, 1, 6, 4)
    assert [part for part, _ in own._parts(torch.empty(5, 6, 15, 13))] == [slice(i, i + 1) for i in range(5)]
    pieces = list(own._pieces(5, 4, torch.empty(0, dtype=torch.complex64)))
    assert len(pieces) == 5 * 4
    assert {(c.start, c.stop) for _, _, c in pieces} == {(i, i + 1) for i in range(4)}


@pytest.mark.parametrize("shape", SHAPES)
def test_without_the_images_spectra_nothing_is_kept(shape: str) -> None:
    x, spectrum, groups = operands(shape)
    kept = torch.ops.fourierconv.correlate(x.detach(), spectrum.detach(), TILES.pack(), [15, 13], groups, False, False)[
        1
    ]
    nothing = torch.ops.fourierconv.correlate(
        x.detach(), spectrum.detach(), TILES.pack(), [15, 13], groups, True, False
    )[1]
    assert kept.shape == (12 * 6, groups, 5 * 4, 4 // groups)
    assert nothing.numel() == 0


@pytest.mark.parametrize(
    ("engine", "said", "asked"),
    [
        ("whole", "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes.", "4096 bytes"),
        ("tiled", "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has", "2.50 GiB"),
    ],
)
def test_memory_that_runs_out_is_explained(engine: str, said: str, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = FourierConv2d(2, 3, 5, padding=2, engine=engine)

    def blank(*_: object) -> None:
        raise torch.OutOfMemoryError(said)

    monkeypatch.setattr(Contraction, "blank", blank)
    with pytest.raises(torch.OutOfMemoryError, match=f"engine='{engine}' asked for {asked}.*recompute=True.*'direct'"):
        layer(torch.randn(1, 2, 40, 40))


def test_other_errors_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def blank(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Contraction, "blank", blank)
    with pytest.raises(RuntimeError, match=r"^a bug$"):
        FourierConv2d(2, 3, 5, engine="whole")(torch.randn(1, 2, 40, 40))
