import torch

from fourierconv.study.theory.residuals import relative_error, residuals


def test_spectra_are_as_accurate_as_conv2d() -> None:
    rows = residuals([7, 16], kernel_size=5, seed=0)
    assert [row["image"] for row in rows] == [7, 16]
    for row in rows:
        assert 1e-18 < row["spectra, float64"] < 1e-14  # 0 would be the same sum
        assert 1e-9 < row["spectra, float32"] < max(3 * row["conv2d, float32"], 5e-7)


def test_relative_error_is_computed_in_double_precision() -> None:
    expected = torch.tensor([1.0], dtype=torch.float64)
    assert relative_error(torch.tensor([1.0]), expected + 1e-12) > 5e-13


def test_relative_error_of_spectra() -> None:
    assert relative_error(torch.tensor([3.0 + 0j]), torch.tensor([3.0 + 4j])) == 0.8
