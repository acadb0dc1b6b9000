"""Random clouds with the 1/f spectrum of natural images, the same cloud at any image size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def cloud(rng: np.random.Generator, size: int) -> np.ndarray:  # (size, size) float64
    """Sample a random cloud at the pixel centres of the unit square: every mode f has mean power 1/|f|².

    The modes, in cycles per image, are drawn from low to high frequency, and a grid of `size` points holds
    those below its Nyquist frequency. So a smaller size uses the first part of the same random numbers and
    shows the same cloud, low-passed at its own Nyquist frequency. The cloud is periodic with mean 0; its
    variance grows by 2π ln 2 ≈ 4.4 with every doubling of the size (the new octave's share).

    >>> fine, coarse = cloud(np.random.default_rng(0), 64), cloud(np.random.default_rng(0), 32)
    >>> bool(np.corrcoef(coarse.ravel(), fine.reshape(32, 2, 32, 2).mean((1, 3)).ravel())[0, 1] > 0.9)
    True
    """
    rows, columns, amplitudes = _modes(size)
    modes = rng.standard_normal(2 * len(rows)).view(np.complex128) * amplitudes
    spectrum = np.zeros((size, size // 2 + 1), np.complex128)
    spectrum[rows, columns] = modes
    # Column 0 holds f and -f both, and a real image needs them to be conjugates of each other.
    on_axis = columns == 0
    spectrum[-rows[on_axis], 0] = modes[on_axis].conj()
    return np.fft.irfft2(spectrum, s=(size, size), norm="forward")


@lru_cache
def _modes(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies (row, column) below Nyquist, one of each pair ±f, and their amplitudes (complex: a phase).

    They come in square rings max(|row|, |column|) = 1, 2, …, so that the list of a smaller size is the
    beginning of the list of a larger one.
    """
    rings = [_ring(radius) for radius in range(1, (size + 1) // 2)]
    rows, columns = np.concatenate(rings, axis=1)
    # Pixel i of n has its centre at (i + 1/2)/n: without this phase two sizes would be shifted copies.
    to_centre = np.exp(1j * np.pi * (rows + columns) / size)
    return rows, columns, to_centre / np.hypot(rows, columns) / np.sqrt(2)


def _ring(radius: int) -> np.ndarray:  # (2, 4 * radius) integers: row, column
    side = np.arange(-radius, radius + 1)
    inner = np.arange(1, radius)
    right = np.stack([side, np.full_like(side, radius)])
    top, bottom = (
        np.stack([np.full_like(inner, radius), inner]),
        np.stack([np.full_like(inner, -radius), inner]),
    )
    return np.concatenate([right, top, bottom, [[radius], [0]]], axis=1)
