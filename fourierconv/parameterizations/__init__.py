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


def get(name: str) -> Parameterization:
    """The parameterization of that name.

    Raises:
        ValueError: an unknown name; the message lists the known ones.

    >>> get("spline").name
    'spline'
    """
    if not isinstance(name, str) or name not in _REGISTRY:
        raise ValueError(f"parameterization={name!r} is unknown; choose one of {', '.join(NAMES)}")
    return _REGISTRY[name]


__all__ = ["NAMES", "Parameterization", "get"]
