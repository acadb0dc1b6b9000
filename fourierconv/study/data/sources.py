"""Files of a data set, wherever they lie: in a folder or in tar archives."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

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
    """List a data set: the folders and files below `root`, or those inside its archives (.tar, .tar.gz).

    The archives of a folder are parts of one data set; they count only where there is no folder `train`.
    Hidden files are left out. Raises `FileNotFoundError` for a missing folder and `ValueError` for a damaged
    archive.

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
    archives = _archives(root)
    listed = _list_archives(archives) if archives else _list_folder(root)
    return (entry for entry in listed if not any(part.startswith(".") for part in entry.path.parts))


def contents(root: Path, wanted: Collection[PurePosixPath]) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Read the wanted files of a data set, in the order in which they are stored.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = Path(folder, "1.txt").write_bytes(b"one")
    ...     list(contents(Path(folder), {PurePosixPath("1.txt")}))
    [(PurePosixPath('1.txt'), b'one')]
    """
    archives = _archives(root)
    if not archives:
        yield from ((path, (root / path).read_bytes()) for path in sorted(wanted))
    for archive in archives:
        with _opened(archive) as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if path in wanted and (file := tar.extractfile(member)) is not None:
                    yield path, file.read()


def _archives(root: Path) -> list[Path]:
    if (root / "train").is_dir():
        return []
    return sorted([*root.glob("*.tar"), *root.glob("*.tar.gz")])


def _list_folder(root: Path) -> Iterator[Entry]:
    for path in root.rglob("*"):
        stat = path.stat()
        stamp = f"{stat.st_size} {stat.st_mtime_ns}" if path.is_file() else ""
        yield Entry(PurePosixPath(path.relative_to(root).as_posix()), str(path), path.is_file(), stamp)


def _list_archives(archives: list[Path]) -> Iterator[Entry]:
    for archive in archives:
        with _opened(archive) as tar:
            for member in tar:
                where = f"{archive}:{member.name}"
                yield Entry(PurePosixPath(member.name), where, member.isfile(), f"{member.size} {member.mtime}")
            _require_end(tar)


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
        with tarfile.open(archive, "r:gz" if archive.suffix == ".gz" else "r:") as tar:
            yield tar
    except DAMAGE as error:
        raise ValueError(f"{archive}: damaged or truncated archive ({error})") from error
