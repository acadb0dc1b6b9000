import numpy as np

from fourierconv.study.figures.subspace import subspace
from fourierconv.study.theory.subspace import projector


def test_each_pair_of_taps_is_a_cosine_and_a_sine() -> None:
    columns = subspace(16, 5, seed=0).axes[0]
    assert len(columns.lines) == 5
    assert [text.get_text() for text in columns.get_legend().get_texts()] == ["real", "imaginary"]  # type: ignore[union-attr]


def test_the_map_is_the_projector() -> None:
    (image,) = subspace(16, 5, seed=0).axes[1].images
    assert np.allclose(np.asarray(image.get_array()), projector(16, 5).real)
    assert tuple(image.get_extent()) == (-0.53125, 0.46875, 0.46875, -0.53125)


def test_the_projected_spectrum_is_smoother() -> None:
    free, projected = (np.asarray(line.get_ydata()) for line in subspace(64, 5, seed=0).axes[2].lines)
    assert np.abs(np.diff(projected)).max() < 0.2 * np.abs(np.diff(free)).max()
