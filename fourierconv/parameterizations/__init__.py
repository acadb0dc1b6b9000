"""The registry of parameterizations: one file per idea, coefficients -> taps -> spectrum."""

from fourierconv.parameterizations.base import Parameterization
from fourierconv.parameterizations.bilinear import Bilinear
from fourierconv.parameterizations.dyadic import Dyadic
from fourierconv.parameterizations.free import Free
from fourierconv.parameterizations.hermite import Hermite
from fourierconv.parameterizations.implicit import Implicit
from fourierconv.parameterizations.scaled import Scaled
from fourierconv.parameterizations.spacings import Spacings
from fourierconv.parameterizations.spatial import Spatial
from fourierconv.parameterizations.spectral import Spectral
from fourierconv.parameterizations.spline import Spline
from fourierconv.parameterizations.spline_open import SplineOpen
from fourierconv.parameterizations.truncated import Truncated
from fourierconv.parameterizations.window import Window

# In the order of the book: the taps themselves, smooth spectra, learned sizes, weights on a grid, learned functions.
_REGISTRY: dict[str, Parameterization] = {
    entry.name: entry
    for entry in (
        Spatial(),
        Spectral(),
        Spline(),
        Dyadic(),
        Window(),
        Scaled(),
        Hermite(),
        Free(),
        Truncated(),
        Bilinear(),
        SplineOpen(),
        Spacings(),
        Implicit(),
    )
}

NAMES: tuple[str, ...] = tuple(_REGISTRY)
"""The names of the parameterizations, in the order of the book."""


def get(name: str, reference_grid: int | None = None) -> Parameterization:
    """The parameterization of that name.

    Args:
        name: one of NAMES.
        reference_grid: pixels per axis, for those that keep weights on a grid of their own.

    Raises:
        ValueError: an unknown name, the message lists the known ones; a reference grid for one that has none.

    >>> get("spline").name
    'spline'
    """
    if not isinstance(name, str) or name not in _REGISTRY:
        raise ValueError(f"parameterization={name!r} is unknown; choose one of {', '.join(NAMES)}")
    entry = _REGISTRY[name]
    if reference_grid is None:
        return entry
    if not entry.has_reference_grid:
        having = ", ".join(repr(other.name) for other in _REGISTRY.values() if other.has_reference_grid)
        raise ValueError(
            f"parameterization={name!r} has no reference grid; leave reference_grid={reference_grid} out, "
            f"or choose one of {having}"
        )
    return type(entry)(reference_grid)


__all__ = ["NAMES", "Parameterization", "get"]
