"""An index in a folder: segment files that never change, and one small manifest, replaced whole at each commit.

A process killed at any moment leaves the manifest of the last commit and perhaps orphans, which are files that no
manifest names. The next writer removes them. Readers map the files of the manifest into memory.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zlib import compress, crc32, decompress

import numpy as np
from numpy.typing import NDArray

from recommender.errors import CorruptIndexError, IndexBusyError, NewerIndexError
from recommender.index.file_lock import try_lock
from recommender.index.segment import Segment, columns, from_columns
from recommender.index.word_vectors import WordVectors

FORMAT = 5
MANIFEST = "index.json"
_MAGIC = b"PAPERBOY"
_ALIGN = 64
_SUFFIX = ".segment"
_VECTORS_SUFFIX = ".vectors"


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment in the manifest, under the names that the file has: its file name, its number of papers, and which of
    them are deleted (`dead`: packed bits, or None)."""

    name: str
    papers: int
    dead: str | None = None

    @property
    def deleted_rows(self) -> NDArray[np.bool_] | None:
        """One flag a paper, True where it was replaced or discarded."""
        if self.dead is None:
            return None
        packed = np.frombuffer(decompress(b64decode(self.dead)), np.uint8)
        return np.unpackbits(packed, count=self.papers).astype(bool)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a commit, under the names that the file has. `lineage` is the id of the index: another one built
    in the same folder has another id. `commit` is the number of the commit. `vectors` names the file of word vectors,
    trained when the index had `vectors_of` papers."""

    lineage: str
    commit: int = 0
    marker: str | None = None
    segments: tuple[SegmentEntry, ...] = ()
    vectors: str | None = None
    vectors_of: int = 0


def pack_deleted(deleted: NDArray[np.bool_] | None) -> str | None:
    """The flags as text for the manifest."""
    return None if deleted is None else b64encode(compress(np.packbits(deleted).tobytes())).decode()


def read_manifest(folder: Path) -> Manifest | None:
    """The last commit; None in a folder that never held an index."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        if any(folder.glob(f"*{_SUFFIX}")):
            raise CorruptIndexError(folder, f"{MANIFEST} is missing") from None
        return None
    try:
        held: dict[str, Any] = json.loads(raw)
        if held["format"] > FORMAT:
            raise NewerIndexError(folder, held["format"], FORMAT)
        if held["format"] < FORMAT:
            raise CorruptIndexError(folder, "an older Paperboy wrote it")
        body = held["index"]
        if held["check"] != _check(body):
            raise CorruptIndexError(folder, f"{MANIFEST} does not match its checksum")
        return Manifest(**{**body, "segments": tuple(SegmentEntry(**entry) for entry in body["segments"])})
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CorruptIndexError(folder, f"{MANIFEST} is unreadable") from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Make `manifest` the last commit, all or nothing."""
    body = asdict(manifest)
    text = json.dumps({"format": FORMAT, "check": _check(body), "index": body})
    _replace(folder / MANIFEST, [text.encode()])


def write_segment(folder: Path, name: str, segment: Segment) -> None:
    """Write a segment's columns into the file that the manifest will name."""
    _write_columns(folder / name, columns(segment))


def write_vectors(folder: Path, name: str, word_vectors: WordVectors) -> None:
    """Write word vectors into the file that the manifest will name."""
    _write_columns(folder / name, {"words": word_vectors.words, "vectors": word_vectors.vectors.ravel()})


def map_segment(folder: Path, entry: SegmentEntry) -> Segment:
    """The segment in the file, mapped into memory and checked; FileNotFoundError when there is no such file."""
    try:
        segment = from_columns(_map_columns(folder, entry.name))
    except KeyError:
        raise CorruptIndexError(folder, f"{entry.name} is unreadable") from None
    if len(segment) != entry.papers:
        raise CorruptIndexError(folder, f"{entry.name} holds {len(segment)} papers where {entry.papers} were written")
    return segment


def map_vectors(folder: Path, name: str, papers: int) -> WordVectors:
    """The word vectors in the file, learned from an index of that many papers; FileNotFoundError when there is none."""
    try:
        named = _map_columns(folder, name)
        words, vectors = named["words"], named["vectors"]
        return WordVectors(words, vectors.reshape(len(words), len(vectors) // max(len(words), 1)), papers)
    except (KeyError, ValueError):
        raise CorruptIndexError(folder, f"{name} is unreadable") from None


def _write_columns(path: Path, named: Mapping[str, NDArray[Any]]) -> None:
    named = {column: np.ascontiguousarray(values) for column, values in named.items()}
    layout, at = [], 0
    for column, values in named.items():
        raw = values.view(np.uint8)
        layout.append([column, values.dtype.str, at, raw.nbytes, crc32(raw.data)])
        at += -(-raw.nbytes // _ALIGN) * _ALIGN
    head = json.dumps(layout).encode()
    head += b" " * (-(len(head) + 16) % _ALIGN)

    def parts() -> Iterator[bytes | memoryview]:
        yield _MAGIC + len(head).to_bytes(4, "little") + crc32(head).to_bytes(4, "little") + head
        for values in named.values():
            yield values.view(np.uint8).data
            yield b"\0" * (-values.nbytes % _ALIGN)

    _replace(path, parts())


def _map_columns(folder: Path, name: str) -> dict[str, NDArray[Any]]:
    with (folder / name).open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise CorruptIndexError(folder, f"{name} is empty") from None
    try:
        size, check = (int.from_bytes(data[at : at + 4], "little") for at in (8, 12))
        head = data[16 : 16 + size]
        if data[:8] != _MAGIC or crc32(head) != check:
            raise CorruptIndexError(folder, f"{name} has no valid head")
        whole = np.frombuffer(data, np.uint8)[16 + size :]
        named: dict[str, NDArray[Any]] = {}
        for column, dtype, at, length, column_check in json.loads(head):
            raw = whole[at : at + length]
            if len(raw) != length or crc32(raw.data) != column_check:
                raise CorruptIndexError(folder, f"{name} is cut off or altered in {column}")
            named[column] = raw.view(dtype)
    except (ValueError, KeyError, TypeError):
        raise CorruptIndexError(folder, f"{name} is unreadable") from None
    return named


def segment_name(commit: int, number: int) -> str:
    """The file of the commit's n-th new segment."""
    return f"{commit:08d}-{number}{_SUFFIX}"


def vectors_name(commit: int) -> str:
    """The file of the commit's new word vectors."""
    return f"{commit:08d}{_VECTORS_SUFFIX}"


def remove_orphans(folder: Path, keep: Iterable[str]) -> None:
    """Delete all files except those to `keep`: files of older commits, and parts of interrupted writes."""
    kept = set(keep)
    for path in [*folder.glob(f"*{_SUFFIX}"), *folder.glob(f"*{_VECTORS_SUFFIX}"), *folder.glob("*.part")]:
        if path.name not in kept:
            try:
                path.unlink(missing_ok=True)
            except PermissionError:
                continue  # Windows, while another process still maps it: a later commit removes it


def manifest_version(folder: Path) -> tuple[int, int, int] | None:
    """The version of the manifest file, which differs after every commit; None before the first commit."""
    try:
        found = (folder / MANIFEST).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


@contextmanager
def write_lock(folder: Path, patience: float) -> Iterator[None]:
    """Hold the folder's write lock; IndexBusyError if it is not free within `patience` seconds."""
    with (folder / "write.lock").open("ab") as file:
        deadline = time.monotonic() + patience
        while not try_lock(file.fileno()):
            if time.monotonic() >= deadline:
                raise IndexBusyError(folder, patience)
            time.sleep(0.02)
        yield  # closing the file lets the lock go, and so does the death of the process


def _check(body: dict[str, Any]) -> int:
    return crc32(json.dumps(body, sort_keys=True).encode())


def _replace(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            for data in parts:
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if sys.platform != "win32":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # else a power cut may forget the new name
        finally:
            os.close(folder)
