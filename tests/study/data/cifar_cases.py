"""CIFAR-10's archive in small: the same pickles, written as NumPy for Python 2 did."""

import io
import struct
import tarfile

import numpy as np


def _text(content: bytes) -> bytes:
    return b"U" + bytes([len(content)]) + content  # SHORT_BINSTRING, which Python 3 never writes


def _number(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def _array(pixels: np.ndarray) -> bytes:
    """The opcodes that build a uint8 array of two axes."""
    dtype = b"cnumpy\ndtype\n" + _text(b"u1") + b"K\x00K\x01\x87R(K\x03" + _text(b"|") + b"NNN"
    dtype += _number(-1) + _number(-1) + b"K\x00tb"
    content = pixels.tobytes()
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + _text(b"b") + b"\x87R"
    shape = _number(pixels.shape[0]) + _number(pixels.shape[1]) + b"\x86"
    return empty + b"(K\x01" + shape + dtype + b"\x89T" + struct.pack("<i", len(content)) + content + b"tb"


def batch(pixels: np.ndarray, labels: list[int]) -> bytes:  # (n, 3072) uint8
    """A pickle of protocol 2: {'batch_label': …, 'labels': […], 'data': …}."""
    listed = b"](" + b"".join(_number(label) for label in labels) + b"e"
    items = _text(b"batch_label") + _text(b"batch 1 of 1") + _text(b"labels") + listed + _text(b"data") + _array(pixels)
    return b"\x80\x02}(" + items + b"u."


def archive(members: dict[str, bytes]) -> bytes:
    """A .tar.gz whose members lie in cifar-10-batches-py."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def data_set() -> tuple[bytes, dict[str, np.ndarray], dict[str, list[int]]]:
    """The archive, and for every batch its images, (n, 3, 32, 32) uint8, and labels; every class in either split."""
    rng = np.random.default_rng(0)
    labels = {"data_batch_2": [3, 9, *range(10)], "test_batch": [*range(10)], "data_batch_1": [0]}
    pixels = {name: rng.integers(0, 256, (len(own), 3, 32, 32), np.uint8) for name, own in labels.items()}
    members = {name: batch(pixels[name].reshape(-1, 3072), own) for name, own in labels.items()}
    return archive(members | {"readme.html": b"<html>", "batches.meta": b""}), pixels, labels
