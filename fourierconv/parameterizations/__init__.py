"""The registry of parameterizations: one file per idea, coefficients -> taps -> spectrum."""

from fourierconv.parameterizations.base import Parameterization
from fourierconv.parameterizations.scaled import Scaled
from fourierconv.parameterizations.spatial import Spatial
from fourierconv.parameterizations.spectral import Spectral
from fourierconv.parameterizations.spline import Spline
from fourierconv.parameterizations.window import Window

_REGISTRY: dict[str, Parameterization] = {
    entry.name: entry for entry in (Spatial(), Spectral(), Spline(), Window(), Scaled())
}

NAMES: tuple[str, ...] = tuple(_REGISTRY)


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
