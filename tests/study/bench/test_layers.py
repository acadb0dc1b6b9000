from fourierconv.study.bench.layers import COEFFICIENTS, EXTENT, pair


def test_the_layers_are_as_large_as_each_other() -> None:
    scaled, spatial = pair()
    assert abs(float(scaled.extent().median()) - EXTENT) <= 0.1
    assert scaled.coefficients.shape[-2:] == (COEFFICIENTS, COEFFICIENTS)
    assert spatial.coefficients.shape[-2:] == (EXTENT, EXTENT)
