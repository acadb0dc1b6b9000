import pytest
import torch

from fourierconv import FourierConv2d
from fourierconv.study.theory.subspace import basis, checks, projector

SIZES = [(16, 5), (9, 4), (8, 8), (7, 1)]


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_projector_is_hermitian_idempotent_and_of_rank_k(n: int, k: int) -> None:
    p = projector(n, k)
    torch.testing.assert_close(p @ p, p)
    torch.testing.assert_close(p, p.mH.resolve_conj())
    assert torch.linalg.matrix_rank(p) == k


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_projecting_a_spectrum_cuts_the_kernel(n: int, k: int) -> None:
    taps = torch.randn(n, dtype=torch.float64)
    first = (k - 1) // 2
    kept = torch.zeros(n, dtype=torch.float64)
    for position in range(-first, k - first):
        kept[position % n] = taps[position % n]
    spectra = [torch.fft.fftshift(torch.fft.fft(t)) for t in (taps, kept)]
    torch.testing.assert_close(projector(n, k) @ spectra[0], spectra[1])


def test_the_basis_is_that_of_a_spatial_layer() -> None:
    layer = FourierConv2d(1, 1, 5, dtype=torch.float64)
    whole = basis(16, 5) @ layer.kernel().detach()[0, 0].to(torch.complex128) @ basis(16, 5).T
    half = torch.fft.ifftshift(whole)[:, :9]
    torch.testing.assert_close(layer.spectrum((16, 16)).detach()[0, 0], half)


def test_checks_find_the_dimension_and_an_even_share_of_every_frequency() -> None:
    for row, k in zip(checks(12, [1, 5, 12]), (1, 5, 12), strict=True):
        assert row["dimension, rank of B⊗B"] == k**2
        assert row["trace of P⊗P"] == pytest.approx(k**2)
        assert row["share of all n²"] == pytest.approx(k**2 / 144)
        assert row["smallest P[m, m]"] == pytest.approx(k / 12)
        assert row["largest P[m, m]"] == pytest.approx(k / 12)
        assert row["largest |P²−P|"] < 1e-14
