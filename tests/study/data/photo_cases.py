"""A small data set of pictures, the ways to store it, and the ways to spoil it."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

# The image files of a small data set, in no sorted order: path -> width and height in pixels.
FILES = {
    "val/cat/9.png": (40, 40),
    "train/cat/b.jpg": (48, 40),
    "train/cat/a.jpeg": (40, 64),
    "train/ant/2.JPG": (40, 40),
    "val/ant/1.jpg": (50, 50),
    "train/ant/10.png": (40, 40),
}
Files = dict[str, bytes]


def picture(width: int, height: int, tint: int) -> np.ndarray:  # (height, width, 3) uint8
    rows, columns = np.mgrid[:height, :width]
    return np.stack([5 * rows, 5 * columns, np.full_like(rows, tint)], axis=-1).astype(np.uint8)


def encoded(name: str, image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG" if name.endswith("png") else "JPEG")
    return buffer.getvalue()


def data_set() -> Files:
    return {
        name: encoded(name, picture(width, height, 40 * number))
        for number, (name, (width, height)) in enumerate(FILES.items())
    }


def write_folder(root: Path, files: Files) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def write_archive(path: Path, files: Files) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def write_shards(root: Path, files: Files) -> None:
    cats = {name: content for name, content in files.items() if "/cat/" in name}
    write_archive(root / "pets-0.tar", cats)
    write_archive(root / "pets-1.tar.gz", {name: files[name] for name in sorted(files.keys() - cats.keys())})


LAYOUTS: dict[str, Callable[[Path, Files], None]] = {
    "folder": write_folder,
    "tar": lambda root, files: write_archive(root / "pets.tar", files),
    "tar.gz": lambda root, files: write_archive(root / "pets.tar.gz", files),
    "tgz with a folder of its name": lambda root, files: write_archive(
        root / "pets-320.tgz", {f"pets-320/{name}": content for name, content in files.items()}
    ),
    "shards": write_shards,
}


# What is done to the files of the data set -> the end of the one-line message, after the folder of the set.
BAD_SETS: dict[str, tuple[Callable[[Files], Files], str]] = {
    "empty": (
        lambda files: {"README.md": b""},
        ": expected train and one of val and test, as folders or in tar archives, found neither",
    ),
    "no train": (
        lambda files: {name: files[name] for name in files if name.startswith("val")},
        ": expected train and one of val and test, as folders or in tar archives, found val",
    ),
    "two test splits": (
        lambda files: files | {"test/ant/1.jpg": files["val/ant/1.jpg"]},
        ": expected train and one of val and test, as folders or in tar archives, found test, train, val",
    ),
    "no classes": (
        lambda files: {"train/README.md": b"", "val/README.md": b""},
        ": train holds no classes, expected train/class/image",
    ),
    "different classes": (
        lambda files: files | {"train/bee/1.jpg": files["val/ant/1.jpg"]},
        ": train and val differ in their classes: bee",
    ),
    "no class folder": (
        lambda files: files | {"train/1.jpg": files["val/ant/1.jpg"]},
        "train/1.jpg: expected an image at split/class/image",
    ),
    "no image": (
        lambda files: files | {"train/ant/2.JPG": b"not a picture"},
        "train/ant/2.JPG: damaged or truncated image (UnidentifiedImageError)",
    ),
    "empty image": (
        lambda files: files | {"train/ant/10.png": b""},
        "train/ant/10.png: damaged or truncated image (UnidentifiedImageError)",
    ),
    "truncated JPEG": (
        lambda files: files | {"val/ant/1.jpg": files["val/ant/1.jpg"][:-40]},
        "val/ant/1.jpg: damaged or truncated image (OSError)",
    ),
    "truncated PNG": (
        lambda files: files | {"val/cat/9.png": files["val/cat/9.png"][:-60]},
        "val/cat/9.png: damaged or truncated image (OSError)",
    ),
    "too small": (
        lambda files: files | {"train/cat/b.jpg": encoded("b.jpg", picture(40, 31, 0))},
        "train/cat/b.jpg: 40x31 pixels, would have to be enlarged to size 32",
    ),
}
