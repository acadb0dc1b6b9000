"""What makes the weights of a convolution, parameters or not, which hooks it has, and how a layer takes that over."""

from copy import copy, deepcopy
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

Module = TypeVar("Module", bound=nn.Module)
HOOKS = [name for name in vars(nn.Module()) if name.startswith(("_forward", "_backward", "_is_full_backward"))]


def made_by(conv: Any, name: str) -> str | None:
    """What makes a tensor of a convolution, and what makes its values permanent; None for a parameter."""
    if name in conv._parameters:
        return None
    if parametrize.is_parametrized(conv, name):
        by = ", ".join(type(own).__name__ for own in conv.parametrizations[name])
        removal = "parametrize.remove_parametrizations"
    else:
        by = ", ".join(type(own).__name__ for own in _makers(conv, name))
        if not by:
            return f"{name} is neither an nn.Parameter nor made by a known hook"
        removal = {"WeightNorm": "remove_weight_norm", "SpectralNorm": "remove_spectral_norm"}.get(by, "prune.remove")
    return f"{name} is made by {by}; torch.nn.utils.{removal}(conv, {name!r}) makes its values permanent"


def _makers(conv: Any, name: str) -> list[Any]:
    """The hooks that make a tensor of a convolution before every call: the normalizations and pruning of old."""
    return [own for own in conv._forward_pre_hooks.values() if _makes(own) == name]


def _makes(hook: Any) -> str | None:
    """The name of the tensor that a hook makes, None for any other hook."""
    name: str | None = getattr(hook, "name", getattr(hook, "_tensor_name", None))
    return name


def _weight_norm(conv: Any, name: str) -> Any:
    """The hook of torch.nn.utils.weight_norm."""
    return next((own for own in _makers(conv, name) if type(own).__name__ == "WeightNorm"), None)


def share_hooks(conv: Any, layer: Any) -> None:
    """Let a layer have the dictionaries of hooks themselves, which the handles of hooks refer to."""
    vars(layer).update((name, vars(conv)[name]) for name in HOOKS)
    norms = [key for key, hook in conv._forward_pre_hooks.items() if type(hook).__name__ == "WeightNorm"]
    if norms:  # the layer has a parametrization instead
        conv._forward_pre_hooks = conv._forward_pre_hooks.copy()
        for key in norms:
            del layer._forward_pre_hooks[key]


def copy_hooks(layer: Any, conv: Any) -> None:
    """Let a convolution have the hooks of the layer that it stands for, but for those that make the layer's weights."""
    vars(conv).update((name, copy(vars(layer)[name])) for name in HOOKS)
    for key, hook in layer._forward_pre_hooks.items():
        if _makes(hook) is not None:
            del conv._forward_pre_hooks[key]


def drop_hooks(module: Any) -> None:
    """Take all hooks off a module but those that make its weights."""
    makers = {key: hook for key, hook in module._forward_pre_hooks.items() if _makes(hook) is not None}
    for name in HOOKS:
        vars(module)[name] = copy(vars(nn.Module())[name])
    module._forward_pre_hooks.update(makers)


def copied(module: Module, others: dict[int, Any] | None = None) -> Module:
    """A deep copy, also of what hooks have made, which torch refuses to copy; `others` as the memo of `deepcopy`."""
    made = (value for own in module.modules() for value in vars(own).values() if isinstance(value, Tensor))
    return deepcopy(module, {id(value): value.detach() for value in made if not value.is_leaf} | (others or {}))


def overrides(module: Any, kind: Any, *names: str) -> bool:
    """Whether any of these methods is not the class', also where it is set on the object."""
    return any(getattr(getattr(module, name), "__func__", None) is not getattr(kind, name) for name in names)


def make_weights(module: nn.Module) -> None:
    """Let hooks make the weights of a module, as they do before it is called."""
    for hook in module._forward_pre_hooks.values():
        if isinstance(vars(module).get(_makes(hook) or ""), Tensor):
            hook(module, ())


def move(conv: Any, name: str, layer: Any, to: str) -> None:
    """Give a layer the parameter of a convolution, or the parametrization that makes it."""
    made = made_by(conv, name)
    norm = _weight_norm(conv, name)
    if made is None:
        setattr(layer, to, getattr(conv, name))
    elif parametrize.is_parametrized(conv, name):
        # registering the parametrizations themselves would call them, and some change when they are called
        parametrize.register_parametrization(layer, to, nn.Identity())
        layer.parametrizations[to] = conv.parametrizations[name]
    elif norm is not None:
        parametrizations.weight_norm(layer, to, norm.dim)
        originals = layer.parametrizations[to]
        originals.original0, originals.original1 = getattr(conv, f"{name}_g"), getattr(conv, f"{name}_v")
    else:
        raise ValueError(made)
