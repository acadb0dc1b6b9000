"""Triton 3.6's interpreter, mended: it stumbles over NumPy 2.4's scalars, and multiplies the bits of bfloat16."""

from typing import Any

import numpy as np


def repair() -> None:
    """To be called once, before kernels are interpreted."""
    from triton import language as tl
    from triton.runtime import interpreter

    patch, create_dot = interpreter._patch_lang_tensor, interpreter.InterpreterBuilder.create_dot

    def patched(tensor: Any, scope: Any) -> None:
        patch(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    def wide(handle: Any) -> Any:
        if handle.dtype.scalar != tl.bfloat16:
            return handle
        return interpreter.TensorHandle((handle.data.astype(np.uint32) << 16).view(np.float32), tl.float32)

    def dot(self: Any, a: Any, b: Any, *others: Any) -> Any:
        return create_dot(self, wide(a), wide(b), *others)

    interpreter._patch_lang_tensor = patched
    interpreter.InterpreterBuilder.create_dot = dot
