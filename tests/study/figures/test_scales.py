import numpy as np

from fourierconv.study.figures.scales import scale_extents, scale_strip
from fourierconv.study.theory.draws import layer_of


def test_the_strip_shows_every_layer_with_its_scale_and_extent() -> None:
    layers = [layer_of("scaled", 5, scale, seed=0) for scale in (1.0, 2.5)]
    axes = scale_strip(layers, 21).axes
    assert [a.get_title().split("\n")[0] for a in axes[:2]] == ["scale 1 px", "scale 2.5 px"]
    for a, layer in zip(axes[:2], layers, strict=True):
        assert f"extent {float(layer.extent().mean()):.1f} px" in a.get_title()
        assert np.allclose(np.asarray(a.images[0].get_array()), layer.kernel(21).detach()[0, 0])


def test_lines_are_medians_of_extents_at_the_layers_scales() -> None:
    rows = {
        "window": [layer_of("window", 9, scale, seed=0, channels=3) for scale in (0.5, 1.0, 2.0)],
        "scaled": [layer_of("scaled", 5, scale, seed=0, channels=3) for scale in (1.0, 4.0)],
    }
    (axes,) = scale_extents(rows).axes
    for line, row in zip(axes.lines, rows.values(), strict=True):
        medians = [float(layer.extent().float().quantile(0.5)) for layer in row]
        assert np.allclose(np.asarray(line.get_ydata(), dtype=float), medians)
    assert [str(line.get_label()) for line in axes.lines] == ["window, k = 9", "scaled, k = 5"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.5", "1", "2", "4"]
