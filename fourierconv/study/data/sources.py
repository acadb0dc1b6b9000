"""Files of a data set, wherever they lie: in a folder or in tar archives."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from fourierconv.study.data import cifar
from fourierconv.study.data.official import OFFICIAL, check

BLOCK = 512  # bytes; an archive ends with two of zeros
DAMAGE = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
)  # what reading a damaged archive may raise


@dataclass(frozen=True)
class Entry:
    """A file or folder of a data set: its path inside the set, where it lies, and a stamp of its content."""

    path: PurePosixPath
    where: str  # for messages
    is_file: bool
    stamp: str  # size in bytes and time of change: another content has another stamp


def entries(root: Path) -> Iterator[Entry]:
    """List a data set: the folders and files below `root`, or those inside its archives (.tar, .tar.gz, .tgz).

    The archives of a folder are parts of one data set; they count only where there is no folder `train`. A
    folder in an archive that is named like it, such as imagenette2-320 in imagenette2-320.tgz, is passed
    through. Hidden files are left out. Raises `FileNotFoundError` for a missing folder and `ValueError` for a
    damaged archive, or one that has the name of an official file and another content.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "train", "cat", "1.png")
    ...     file.parent.mkdir(parents=True)
    ...     size = file.write_bytes(b"")
    ...     sorted(str(entry.path) for entry in entries(Path(folder)))
    ['train', 'train/cat', 'train/cat/1.png']
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder")
    found = _archives(root)
    listed = _list_archives(found) if found else _list_folder(root)
    return (entry for entry in listed if not any(part.startswith(".") for part in entry.path.parts))


def contents(root: Path, wanted: Collection[PurePosixPath]) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Read the wanted files of a data set, in the order in which they are stored.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = Path(folder, "1.txt").write_bytes(b"one")
    ...     list(contents(Path(folder), {PurePosixPath("1.txt")}))
    [(PurePosixPath('1.txt'), b'one')]
    """
    found = _archives(root)
    if not found:
        yield from ((path, (root / path).read_bytes()) for path in sorted(wanted))
    for archive in found:
        with _opened(archive) as tar:
            if archive.name == cifar.ARCHIVE:
                yield from ((path, content) for path, content in cifar.images(tar) if path in wanted)
                continue
            for member in tar:
                path = _inside(archive, member)
                if path in wanted and (file := tar.extractfile(member)) is not None:
                    yield path, file.read()


def is_there(root: Path) -> bool:
    """Whether the folder holds anything that looks like a data set: a folder `train`, or archives.

    >>> is_there(Path("nowhere"))
    False
    """
    return (root / "train").is_dir() or bool(_archives(root))


def _archives(root: Path) -> list[Path]:
    if (root / "train").is_dir():
        return []
    return sorted([*root.glob("*.tar"), *root.glob("*.tar.gz"), *root.glob("*.tgz")])


def _inside(archive: Path, member: tarfile.TarInfo) -> PurePosixPath:
    path = PurePosixPath(member.name)
    top = archive.name.partition(".")[0]
    return path.relative_to(top) if path.is_relative_to(top) else path


def _list_folder(root: Path) -> Iterator[Entry]:
    for path in root.rglob("*"):
        stat = path.stat()
        stamp = f"{stat.st_size} {stat.st_mtime_ns}" if path.is_file() else ""
        yield Entry(PurePosixPath(path.relative_to(root).as_posix()), str(path), path.is_file(), stamp)


def _list_archives(found: list[Path]) -> Iterator[Entry]:
    for archive in found:
        stat = archive.stat()
        yield from _list_archive(archive, stat.st_size, stat.st_mtime_ns)


@lru_cache
def _list_archive(archive: Path, size: int, changed: int) -> tuple[Entry, ...]:
    """Check and list an archive, once per process: 60,000 images take seconds."""
    official = {known.name: known for known in OFFICIAL.values()}.get(archive.name)
    if official is not None:
        check(archive, official)
    with _opened(archive) as tar:
        if archive.name == cifar.ARCHIVE:
            return tuple(Entry(path, f"{archive}:{path}", True, str(size)) for path, _ in cifar.images(tar))
        listed = []
        for member in tar:
            path = _inside(archive, member)
            if path.parts:
                stamp = f"{member.size} {member.mtime}"
                listed.append(Entry(path, f"{archive}:{member.name}", member.isfile(), stamp))
        _require_end(tar)
    return tuple(listed)


def _require_end(tar: tarfile.TarFile) -> None:
    """Raise where the listing ended without an end mark: tarfile accepts a file cut between two members."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(BLOCK) != bytes(BLOCK):
        raise tarfile.ReadError("no end mark")


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        # Naming the compression: left to guess, tarfile reports a damaged file with four lines.
        with tarfile.open(archive, "r:" if archive.suffix == ".tar" else "r:gz") as tar:
            yield tar
    except DAMAGE as error:
        raise ValueError(f"{archive}: damaged or truncated archive ({error})") from error
