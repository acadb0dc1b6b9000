"""Triton's interpreter under NumPy 2.4, which no longer takes arrays of one number for a number, as triton 3.6 does."""

from typing import Any


def repair() -> None:
    """To be called once, before kernels are interpreted."""
    from triton.runtime import interpreter

    patch = interpreter._patch_lang_tensor

    def repaired(tensor: Any, scope: Any) -> None:
        patch(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    interpreter._patch_lang_tensor = repaired
