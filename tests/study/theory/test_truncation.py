import pytest
import torch

from fourierconv.study.theory import truncation


def test_errors_are_the_largest_magnitude_of_what_is_cut_off() -> None:
    kernel = torch.tensor([[1.0, 2.0, 5.0, -3.0, 0.5]], dtype=torch.float64)
    u = torch.linspace(-0.5, 0.5, 4001, dtype=torch.float64)
    t = torch.arange(-2, 3)
    waves = torch.exp(-2j * torch.pi * torch.outer(u, t))
    whole = (waves @ kernel[0].to(waves.dtype)).abs().max()
    outside = (waves @ (kernel[0] * (t.abs() > 1)).to(waves.dtype)).abs().max()
    got = truncation.errors(kernel, [1, 3, 5])
    assert got[1, 0] == pytest.approx(float(outside / whole), rel=1e-5)
    assert got[2, 0] == 0
    assert got[0, 0] > got[1, 0]


@pytest.mark.parametrize("scale", [1.1, 1.5, 2.5])
def test_scaled_kernels_end(scale: float) -> None:
    support = int(scale * 4 + 4 * scale) + 2  # outer coefficients, and two spacings beyond them
    kernels = truncation.taps("scaled", 5, scale, seed=0)
    assert truncation.errors(kernels, [support + 1 - support % 2]).max() < 1e-15


def test_spline_kernels_fade_with_the_third_power() -> None:
    far, farther = truncation.errors(truncation.taps("spline", 5, 1.0, seed=0), [61, 121]).quantile(0.5, 1)
    assert 6 < float(far / farther) < 10


@pytest.mark.parametrize("scale", [1.2, 1.5])
def test_spectra_that_do_not_close_up_never_become_small(scale: float) -> None:
    short, long = truncation.errors(truncation.low_passed(5, scale, seed=0), [41, 241]).quantile(0.5, 1)
    assert float(long) > 0.05
    assert float(long) > 0.9 * float(short)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_at_integer_spacings_they_do(scale: float) -> None:
    assert truncation.errors(truncation.low_passed(5, scale, seed=0), [241]).max() < 5e-3


def test_low_passed_kernels_are_their_formulas_inverse_transform() -> None:
    kernels = truncation.low_passed(3, 1.0, seed=0)  # no blur at spacing 1: the taps are the coefficients
    middle = kernels[:, kernels.shape[1] // 2 - 1 :][:, :3]
    torch.testing.assert_close(middle, truncation.coefficients(3, seed=0))


def test_reach_knows_the_spline_and_the_classic_kernel() -> None:
    spatial, spline, scaled = truncation.reach([("spatial", 1.0), ("spline", 1.0), ("scaled", 2.5)], 5, 1e-3, seed=0)
    assert (spatial["taps for 0.001"], spatial["energy in k×k"], spatial["odd part"]) == (5, 1.0, pytest.approx(0.48))
    assert spline["energy in k×k"] == pytest.approx(0.975, abs=0.01)
    assert spline["beyond (k+2)×(k+2)"] == pytest.approx(5e-5, rel=0.3)
    assert spline["odd part"] == pytest.approx(0.5, abs=0.05)
    assert 15 <= int(spline["taps for 0.001"]) <= 31
    assert scaled["taps for 0.001"] == 19


def test_odd_part_is_the_energy_that_changes_sign() -> None:
    own = truncation.matrix("spline", 5, 1.0)[180:221]  # beyond, nothing that counts
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(2000, 5, 5, dtype=torch.float64, generator=generator)
    kernels = own @ drawn @ own.T
    odd = (kernels - kernels.flip(1, 2)) / 2
    share = float(odd.square().sum() / kernels.square().sum())
    (row,) = truncation.reach([("spline", 1.0)], 5, 0.1, seed=0)
    assert row["odd part"] == pytest.approx(share, abs=0.01)


def test_at_the_end_reads_the_last_size() -> None:
    (row,) = truncation.at_the_end({("scaled", 1.5): torch.tensor([[9.0, 9.0], [0.25, 0.75]])}, [3, 5])
    assert list(row.values()) == ["scaled", 1.5, 5, 0.5, 0.75]


def test_the_predecessors_kernels_leave_their_pixels_and_lose_every_odd_one() -> None:
    spline, bilinear, spline_open = truncation.measured(["spline", "bilinear", "spline_open"], 5, 127, seed=0)
    assert spline["outside k×k"] == pytest.approx(0.025, abs=0.01)
    assert bilinear["outside k×k"] == pytest.approx(0.12, abs=0.02)
    assert spline_open["outside k×k"] == pytest.approx(0.11, abs=0.02)
    assert float(spline["outside (k+2)×(k+2)"]) < 1e-3 < float(spline_open["outside (k+2)×(k+2)"])
    assert spline["odd part"] == pytest.approx(0.48, abs=0.02)  # but for the tap in the middle, half
    assert float(bilinear["odd part"]) + float(spline_open["odd part"]) < 1e-12
