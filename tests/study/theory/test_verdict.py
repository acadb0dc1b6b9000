from fourierconv.study.theory.concentration import best_share, image_share, narrowest_band
from fourierconv.study.theory.verdict import small_kernels


def test_the_verdict_quotes_what_was_measured() -> None:
    text = small_kernels(5, count=20000, image=64, seed=0).data
    width = narrowest_band(5, 0.9)
    assert "kernel has 25.0 %" in text
    assert f"no 5 taps hold 90 % of their energy in a band narrower than ±{width:.2f} cycles per pixel" in text
    assert f"{100 * image_share(64, width):.0f} % of the energy of a 1/f image of 64 pixels" in text
    assert f"no band is narrower than ±{narrowest_band(5, 0.9, zero_mean=True):.2f}" in text
    assert f"At |u| ≤ 0.05 it has at most {100 * best_share(5, 0.05, zero_mean=True):.0f} % of its energy" in text
    assert "white taps have 10 %" in text
    assert best_share(5, 0.25, zero_mean=True) > 0.9, "so not every one of them is a high-pass filter"


def test_the_verdict_follows_the_kernels_size() -> None:
    assert small_kernels(3, count=100, image=64, seed=0).data != small_kernels(5, count=100, image=64, seed=0).data
