import pytest
import torch

from fourierconv.study.theory import equations


@pytest.mark.parametrize(("n", "k"), [(8, 3), (9, 5), (7, 7), (6, 1)])
def test_equations_and_package_agree_with_autograd_through_conv2d(n: int, k: int) -> None:
    rows = equations.step_errors(n, k, seed=0)
    assert [str(row["quantity"])[:3] for row in rows] == ["(1)", "(2)", "(3)"]
    for row in rows:
        assert float(row["equations, float64"]) < 1e-13
        assert 1e-18 < float(row["package, float64"]) < 1e-13  # 0 would be the same sum
        assert 1e-9 < float(row["package, float32"]) < 5e-6


def test_the_comparison_notices_a_missing_conjugate() -> None:
    """An error of sign convention changes the step by as much as the step itself."""
    generator = torch.Generator().manual_seed(0)
    x, w, g = (torch.randn(shape, generator=generator) for shape in ((2, 3, 8, 8), (4, 3, 3, 3), (2, 4, 8, 8)))
    right, mirrored = equations.by_conv2d(x, w, g), equations.by_equations(x, w.flip(2, 3), g)
    assert (right.y - mirrored.y).norm() > 0.1 * right.y.norm()
    assert (right.grad_x - mirrored.grad_x).norm() > 0.1 * right.grad_x.norm()


@pytest.mark.parametrize(("n", "factors"), [(8, [1, 2, 2, 2, 1]), (7, [1, 2, 2, 2]), (2, [1, 1])])
def test_inner_columns_count_twice(n: int, factors: list[int]) -> None:
    assert equations.half_spectrum_factors(n, seed=1) == pytest.approx(factors)


def test_rows_of_factors_are_filled_up() -> None:
    assert [list(row.values())[-1] for row in equations.factor_rows([8, 7], seed=0)] == ["1.000", ""]
