"""Is a small kernel a high-frequency filter? The answer in words, with the numbers that it rests on."""

from IPython.display import Markdown

from fourierconv.study.theory.concentration import band_shares, best_share, image_share, narrowest_band
from fourierconv.study.theory.kernels import examples

SHARE = 0.9  # of the energy that counts as all of it


def small_kernels(k: int, count: int, image: int, seed: int) -> Markdown:
    """The verdict on the draft's "low-dimensional subspace corresponding to high frequency filters".

    Args:
        k: taps per axis.
        count: random kernels to average over.
        image: side in pixels of the 1/f images that the kernels are held against.
        seed: of the random kernels.

    >>> "Not as a statement about the subspace" in small_kernels(3, 10, 64, seed=0).data
    True
    """
    shares = {str(row["kernel"]): float(row["low share"]) for row in band_shares(examples(), [k], count, seed)}
    free, centred = narrowest_band(k, SHARE), narrowest_band(k, SHARE, zero_mean=True)
    near = 1 / (4 * k)
    low, inside = shares[f"random {k}×{k}"], image_share(image, free)
    return Markdown(
        f"**Is the draft right? Not as a statement about the subspace.** A random {k}×{k} kernel has "
        f"{_percent(low, 1)} of its energy in the lower half of both frequency axes, which is {_percent(0.25)} of all "
        f"frequencies: its energy is spread evenly. Among small kernels are low-pass filters (the 3×3 mean has "
        f"{_percent(shares['mean 3×3'])} there) and high-pass filters (the Laplacian has "
        f"{_percent(shares['Laplacian 3×3'])}) alike.\n\n"
        f"**What is true** is a statement about resolution. Along one axis, no {k} taps hold {_percent(SHARE)} of "
        f"their energy in a band narrower than ±{free:.2f} cycles per pixel, and {_percent(inside)} of the energy of a "
        f"1/f image of {image} pixels lies within it on both axes: for such a kernel that is all one low frequency. "
        f"For taps that sum to 0, as an edge detector's do, no band is narrower than ±{centred:.2f}: a small kernel "
        f"that ignores the mean sees little right beside it, too. At |u| ≤ {near:.2g} it has at most "
        f"{_percent(best_share(k, near, zero_mean=True))} of its energy, where white taps have {_percent(2 * near)}. "
        f"In this sense only, small kernels without a mean miss the lowest frequencies. High-frequency they need not "
        f"be: Sobel's has {_percent(shares['Sobel 3×3'])} in the lower half of both axes."
    )


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"
