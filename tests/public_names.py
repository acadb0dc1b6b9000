"""What users may call, by the name under which the reference lists it."""

import inspect
from typing import Any

import fourierconv
from fourierconv import extent, functional, parameterizations, penalties
from fourierconv.export import worst_error
from fourierconv.layers import _FourierConvNd
from fourierconv.parameterizations import NAMES, Parameterization, get
from fourierconv.reading import Readable


def _functions(module: Any) -> dict[str, Any]:
    own = inspect.getmembers(module, inspect.isfunction)
    return {
        f"{module.__name__}.{name}": value
        for name, value in own
        if value.__module__ == module.__name__ and not name.startswith("_")
    }


LAYERS = {
    f"fourierconv.{name}": getattr(fourierconv, name) for name in ("FourierConv1d", "FourierConv2d", "FourierConv3d")
}
INHERITED = ("train", "extra_repr", "register_parameter")  # nn.Module's own
METHODS = {
    f"fourierconv.FourierConv2d.{name}": value
    for kind in (Readable, _FourierConvNd)
    for name, value in vars(kind).items()
    if inspect.isfunction(value) and not name.startswith("_") and name not in INHERITED
}
PROPERTIES = {
    f"fourierconv.FourierConv2d.{name}": value
    for name, value in vars(_FourierConvNd).items()
    if isinstance(value, property) and not name.startswith("_")
}
FUNCTIONS = {
    **_functions(functional),
    **_functions(penalties),
    **_functions(extent),
    **{
        f"fourierconv.{name}": getattr(fourierconv, name)
        for name in ("convert", "engine", "from_conv", "resize", "to_conv")
    },
    "fourierconv.export.worst_error": worst_error,
    "fourierconv.parameterizations.get": parameterizations.get,
}
CONTRACT = {
    f"fourierconv.parameterizations.Parameterization.{name}": value
    for name, value in vars(Parameterization).items()
    if inspect.isfunction(value) and not name.startswith("_")
}
KINDS = {name: type(get(name)) for name in NAMES}
