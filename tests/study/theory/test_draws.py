"""Draws of layers: single coefficients along one axis, and scattered taps."""

import pytest
import torch

from fourierconv import parameterizations
from fourierconv.study.theory.draws import columns_of, layer_of, scatter

SCALES = {"window": 1.5, "scaled": 2.5, "hermite": 2.0}


@pytest.mark.parametrize("name", [name for name in parameterizations.NAMES if name not in ("spacings", "implicit")])
def test_kernels_are_sums_of_columns(name: str) -> None:
    """Along one axis, times the coefficients."""
    scale = SCALES.get(name)
    columns = columns_of(name, 5, scale)
    other = columns_of(name, 5, scale)
    torch.nn.init.normal_(other.coefficients)
    expected = other.coefficients[:, 0] @ columns.kernel(31)[:, 0]
    torch.testing.assert_close(other.kernel(31)[:, 0], expected)


def test_scattered_taps_fill_the_window_and_are_the_same_every_time() -> None:
    one, two = (scatter(layer_of("spacings", 5, None, seed=1, channels=4), seed=2) for _ in range(2))
    assert torch.equal(one.kernel(), two.kernel())
    assert (
        float(one.extent().mean()) > 10 > 4 > float(layer_of("spacings", 5, None, seed=1, channels=4).extent().mean())
    )
