"""The official files of public image sets, by length and checksum."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Official:
    """A file to download, what must be in it, and how many images the set holds.

    >>> OFFICIAL["imagenette"].name
    'imagenette2-320.tgz'
    """

    url: str
    nbytes: int
    sha256: str
    train: int  # images
    test: int

    @property
    def name(self) -> str:
        """The name of the file, the last part of its address."""
        return self.url.rpartition("/")[2]


OFFICIAL = {
    # Howard, Imagenette, 2019, version 2: ten classes of ImageNet, the shorter side 320 pixels.
    "imagenette": Official(
        url="https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-320.tgz",
        nbytes=341_663_724,
        sha256="569b4497c98db6dd29f335d1f109cf315fe127053cedf69010d047f0188e158c",
        train=9469,
        test=3925,
    ),
    # Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
    "cifar10": Official(
        url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        nbytes=170_498_071,
        sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        train=50_000,
        test=10_000,
    ),
}


def check(path: Path, official: Official) -> None:
    """Raise `ValueError`, naming `path`, unless it is the official file, byte for byte.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     check(Path(file.name), Official("https://example.org/nothing", 0, hashlib.sha256().hexdigest(), 1, 1))
    """
    nbytes = path.stat().st_size
    if nbytes != official.nbytes:
        raise ValueError(f"{path}: {nbytes} bytes, but {official.url} has {official.nbytes}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != official.sha256:
        raise ValueError(f"{path}: sha256 {digest}, but {official.url} has {official.sha256}")
