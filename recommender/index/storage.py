"""An index in a folder: columns that are only appended to, files of postings and word vectors that never change, and
one small manifest, replaced whole at each commit.

The manifest says how long each column is. A process killed at any moment leaves the manifest of the last commit, and
perhaps bytes behind the end of a column, which the next writer overwrites, and orphans, which are files that no
manifest names and that the next writer removes. Readers map the files into memory, up to the lengths in the manifest.
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
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, BinaryIO
from zlib import compress, crc32, decompress

import numpy as np
from numpy.typing import NDArray

from recommender.errors import CorruptIndexError, IndexBusyError, NewerIndexError
from recommender.index.columns import Columns
from recommender.index.file_lock import try_lock
from recommender.index.postings import Block
from recommender.index.word_vectors import WordVectors

FORMAT = 7
MANIFEST = "index.json"
_ALIGN = 64
_MAPPED_FROM = 1 << 20
"""Bytes of a file from which on it is mapped and not read. A mapped file is kept open."""
_SUFFIXES = (".column", ".postings", ".vectors")
_OLDER_SUFFIX = ".segment"
_NOTHING = (0, 0)


@dataclass(frozen=True, slots=True)
class StoredArrays:
    """A file of arrays in the manifest: its name, and for each array its type, place, length in bytes and checksum."""

    name: str
    layout: dict[str, tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class BlockEntry:
    """A block of postings in the manifest: the file, the rows, and the mean lengths it was computed by, so that a lost
    block can be derived again as it was."""

    file: StoredArrays
    start: int
    stop: int
    means: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a commit, under the names that the file has. `lineage` is the id of the index: another one built
    in the same folder has another id. `commit` is the number of the commit. `columns` has the length of each column in
    bytes and its checksum. `upvotes` are those of each paper, packed, −1 for a deleted one. `vectors` is the file of
    word vectors, trained when the index had `vectors_of` papers."""

    lineage: str
    commit: int = 0
    marker: str | None = None
    columns: dict[str, tuple[int, int]] = field(default_factory=dict)
    blocks: tuple[BlockEntry, ...] = ()
    upvotes: str = ""
    vectors: StoredArrays | None = None
    vectors_of: int = 0

    @property
    def unpacked_upvotes(self) -> NDArray[np.int32]:
        """The upvotes as numbers."""
        return np.frombuffer(decompress(b64decode(self.upvotes)) if self.upvotes else b"", np.int32)


def pack(upvotes: NDArray[np.int32]) -> str:
    """The upvotes as text for the manifest."""
    return b64encode(compress(upvotes.tobytes(), 1)).decode()


def read_manifest(folder: Path) -> Manifest | None:
    """The last commit; None in a folder that never held an index."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        if any(path.suffix in (*_SUFFIXES, _OLDER_SUFFIX) for path in folder.glob("*")):
            raise CorruptIndexError(folder, f"{MANIFEST} is missing") from None
        return None
    try:
        content: dict[str, Any] = json.loads(raw)
        if content["format"] > FORMAT:
            raise NewerIndexError(folder, content["format"], FORMAT)
        if content["format"] < FORMAT:
            raise CorruptIndexError(folder, "an older Paperboy wrote it")
        body = content["index"]
        if content["check"] != _check(body):
            raise CorruptIndexError(folder, f"{MANIFEST} does not match its checksum")
        blocks = tuple(
            BlockEntry(StoredArrays(**entry["file"]), entry["start"], entry["stop"], tuple(entry["means"]))
            for entry in body["blocks"]
        )
        columns = {name: (size, check) for name, (size, check) in body["columns"].items()}
        vectors = StoredArrays(**body["vectors"]) if body["vectors"] else None
        return Manifest(**{**body, "blocks": blocks, "columns": columns, "vectors": vectors})
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CorruptIndexError(folder, f"{MANIFEST} is unreadable") from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Make `manifest` the last commit, all or nothing."""
    body = asdict(manifest)
    text = json.dumps({"format": FORMAT, "check": _check(body), "index": body})
    _replace(folder / MANIFEST, [text.encode()])


def append_columns(folder: Path, manifest: Manifest, more: Columns) -> Manifest:
    """Write rows and words behind those of the manifest. Returns the manifest with the new lengths."""
    written = {}
    for name, values in more.arrays().items():
        size, check = manifest.columns.get(name, _NOTHING)
        raw = np.ascontiguousarray(values).view(np.uint8).data
        written[name] = (size + raw.nbytes, crc32(raw, check))
        if raw.nbytes:
            path = folder / _column_name(manifest, name)
            path.touch()
            with path.open("r+b") as file:
                file.seek(size)
                _write_safely(file, [raw])
    return replace(manifest, columns=written)


def map_columns(folder: Path, manifest: Manifest, before: Manifest, loaded: Columns) -> Columns:
    """The columns of a commit, mapped into memory and checked. Only what is new since the commit `before`, whose
    columns were `loaded`, is read and checked. FileNotFoundError when a file is missing."""
    named = loaded.arrays()
    for name, (size, check) in manifest.columns.items():
        known_size, known_check = before.columns.get(name, _NOTHING)
        if (size, check) != (known_size, known_check):
            raw = _bytes_of(folder, _column_name(manifest, name), size)
            if crc32(raw[known_size:].data, known_check) != check:
                raise CorruptIndexError(folder, f"{_column_name(manifest, name)} is altered")
            named[name] = raw.view(named[name].dtype)
    return Columns(**named)


def write_block(folder: Path, commit: int, block: Block) -> BlockEntry:
    """Write postings of a new commit into a file. Returns their entry for the manifest."""
    arrays: dict[str, NDArray[Any]] = {name: getattr(block, name) for name in _BLOCK_ARRAYS}
    file = _write_arrays(folder, f"{commit:08d}-{block.start}.postings", arrays)
    return BlockEntry(file, block.start, block.stop, block.means)


def map_block(folder: Path, entry: BlockEntry) -> Block | None:
    """The postings in the file, mapped into memory and checked; None when the file is missing or damaged."""
    try:
        return Block(entry.start, entry.stop, entry.means, **_map_arrays(folder, entry.file))
    except (CorruptIndexError, FileNotFoundError):
        return None


def write_vectors(folder: Path, commit: int, word_vectors: WordVectors) -> StoredArrays:
    """Write word vectors of a new commit into a file. Returns its entry for the manifest."""
    arrays: dict[str, NDArray[Any]] = {"words": word_vectors.words, "vectors": word_vectors.vectors.ravel()}
    return _write_arrays(folder, f"{commit:08d}.vectors", arrays)


def map_vectors(folder: Path, file: StoredArrays, papers: int) -> WordVectors:
    """The word vectors in the file, learned from an index of that many papers; FileNotFoundError when there is none."""
    arrays = _map_arrays(folder, file)
    words, vectors = arrays["words"], arrays["vectors"]
    return WordVectors(words, vectors.reshape(len(words), len(vectors) // max(len(words), 1)), papers)


_BLOCK_ARRAYS = [column.name for column in fields(Block) if column.name not in ("start", "stop", "means")]


def _write_arrays(folder: Path, name: str, arrays: Mapping[str, NDArray[Any]]) -> StoredArrays:
    layout, parts, at = {}, [], 0
    for array, values in arrays.items():
        raw = np.ascontiguousarray(values).view(np.uint8).data
        layout[array] = (values.dtype.str, at, raw.nbytes, crc32(raw))
        parts += [raw, memoryview(bytes(-raw.nbytes % _ALIGN))]
        at += raw.nbytes + -raw.nbytes % _ALIGN
    _replace(folder / name, parts)
    return StoredArrays(name, layout)


def _map_arrays(folder: Path, file: StoredArrays) -> dict[str, NDArray[Any]]:
    data = _bytes_of(folder, file.name, max(at + length for _, at, length, _ in file.layout.values()))
    arrays = {}
    for array, (dtype, at, length, check) in file.layout.items():
        raw = data[at : at + length]
        if crc32(raw.data) != check:
            raise CorruptIndexError(folder, f"{file.name} is altered in {array}")
        arrays[array] = raw.view(dtype)
    return arrays


def _bytes_of(folder: Path, name: str, size: int) -> NDArray[np.uint8]:
    """The first `size` bytes of a file."""
    with (folder / name).open("rb") as file:
        if size < _MAPPED_FROM:
            raw = np.frombuffer(file.read(size), np.uint8)
        else:
            try:
                raw = np.frombuffer(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ), np.uint8)
            except ValueError:  # the file is shorter
                raw = np.zeros(0, np.uint8)
    if len(raw) < size:
        raise CorruptIndexError(folder, f"{name} is cut off")
    return raw


def _column_name(manifest: Manifest, column: str) -> str:
    return f"{manifest.lineage}-{column}.column"


def remove_orphans(folder: Path, manifest: Manifest) -> None:
    """Delete all files that the manifest does not name: files of older commits, and parts of interrupted writes."""
    kept = {_column_name(manifest, column) for column in manifest.columns}
    kept |= {file.name for file in (*(entry.file for entry in manifest.blocks), manifest.vectors) if file}
    for path in folder.iterdir():
        if path.suffix in (*_SUFFIXES, ".part") and path.name not in kept:
            try:
                path.unlink(missing_ok=True)
            except PermissionError:
                continue  # Windows, while another process still maps it: a later commit removes it


def manifest_version(folder: Path) -> tuple[int, int, int] | None:
    """The version of the manifest file, which differs after every commit; None before the first commit."""
    try:
        status = (folder / MANIFEST).stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


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


def _write_safely(file: BinaryIO, parts: Iterable[bytes | memoryview]) -> None:
    for data in parts:
        file.write(data)
    file.flush()
    os.fsync(file.fileno())


def _replace(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            _write_safely(file, parts)
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
