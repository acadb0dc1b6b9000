"""The three equations in parts: how the work is divided changes nothing, and memory that runs out is explained."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import fourierconv
from fourierconv import FourierConv2d, functional, spectral
from fourierconv.engines import contraction
from fourierconv.engines.contraction import Contraction
from fourierconv.engines.tiles import Tiles

SHAPES = {  # groups, in, out
    "dense": (1, 4, 6),
    "grouped": (2, 4, 6),
    "depthwise": (4, 4, 4),
    "one in": (2, 2, 6),
    "one out": (2, 6, 2),
}
TILES = Tiles((12, 10), (8, 7), (2, 2), (3, 1))
LINE = Tiles((12,), (8,), (2,), (3,))


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TRANSFORMED", 4000), ("MULTIPLIED", 9000), ("ROWS", 1), ("RUN", 1)):
        monkeypatch.setattr(contraction, name, value)


def operands(shape: str, tiles: Tiles = TILES) -> tuple[Tensor, Tensor, int]:
    groups, inner, out = SHAPES[shape]
    dims = len(tiles.grid)
    x = torch.randn(5, inner, *(15, 13)[:dims], dtype=torch.float64, requires_grad=True)
    taps = torch.randn(out, inner // groups, *(5, 4)[:dims], dtype=torch.float64)
    return x, torch.fft.rfftn(taps, s=tiles.grid, dim=tuple(range(-dims, 0))).requires_grad_(), groups


def results(shape: str, tiles: Tiles = TILES, recompute: bool = False) -> list[Tensor]:
    torch.manual_seed(0)
    x, spectrum, groups = operands(shape, tiles)
    y = spectral.correlate(x, spectrum, tiles, tuple(x.shape[2:]), groups, recompute)
    return [y, *torch.autograd.grad(y, (x, spectrum), y.detach().cos())]


@pytest.mark.parametrize("tiles", [TILES, LINE], ids=["images", "sequences"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("recompute", [False, True])
def test_parts_make_no_difference(shape: str, recompute: bool, tiles: Tiles, request: pytest.FixtureRequest) -> None:
    whole = results(shape, tiles)
    request.getfixturevalue("_small_parts")
    for one, other in zip(whole, results(shape, tiles, recompute), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("engine", ["whole", "tiled"])
@pytest.mark.parametrize("shape", SHAPES)
def test_sequences_of_few_channels_are_torchs(shape: str, engine: str) -> None:
    groups, inner, out = SHAPES[shape]
    x = torch.randn(3, inner, 40, dtype=torch.float64, requires_grad=True)
    w = torch.randn(out, inner // groups, 7, dtype=torch.float64, requires_grad=True)
    with fourierconv.engine(engine):
        y = functional.conv1d(x, w, padding=3, groups=groups)
    expected = F.conv1d(x, w, padding=3, groups=groups)
    torch.testing.assert_close(y, expected)
    found, true = (torch.autograd.grad(own, (x, w), expected.detach().cos()) for own in (y, expected))
    torch.testing.assert_close(found, true)

    def small(x: Tensor, w: Tensor) -> Tensor:
        with fourierconv.engine(engine):
            return functional.conv1d(x, w, groups=groups)

    few = x.detach()[:2, :, :9].clone().requires_grad_(), w.detach()[:, :, :3].clone().requires_grad_()
    assert torch.autograd.gradgradcheck(small, few)


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
    assert kept.shape == (12 * 6, groups, 5 * 4, x.shape[1] // groups)
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
