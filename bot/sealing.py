"""Sealing secrets before they reach the database, and opening them again.

Fernet is AES-128 in CBC mode with an HMAC-SHA256 over it: cryptography.io/en/latest/fernet.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SealBroken(Exception):
    """A secret can't be opened, or no key be kept; the text is for the operator and holds no secret."""


class Seal:
    """Seals with the first key and opens with any. Without keys one is made and kept in `file`, for its owner alone."""

    def __init__(self, keys: Sequence[str], file: Path) -> None:
        self._keys, self._file = tuple(keys), file
        self._fernet: MultiFernet | None = None

    def close(self, secret: str, now: datetime) -> str:
        """The secret, sealed at this moment. Raises SealBroken when no key can be kept."""
        return self._all().encrypt_at_time(secret.encode(), int(now.timestamp())).decode()

    def open(self, sealed: str) -> str:
        """The secret. Raises SealBroken, with the mend, when no key opens it."""
        try:
            return self._all().decrypt(sealed).decode()
        except InvalidToken:
            where = "PAPERBOY_ENCRYPTION_KEYS" if self._keys else str(self._file)
            raise SealBroken(
                f"The key in {where} does not open the tokens in the store: it is another one than they were sealed "
                "with. Bring that one back (from the data folder of the Paperboy that wrote them, or name it too in "
                "PAPERBOY_ENCRYPTION_KEYS), or empty the table `installations` and have each workspace install again."
            ) from None

    def fresh(self, sealed: str, now: datetime, lifetime: timedelta) -> str:
        """What was sealed here not longer ago than that; "" for anything else."""
        try:
            return self._all().decrypt_at_time(sealed, int(lifetime.total_seconds()), int(now.timestamp())).decode()
        except (InvalidToken, ValueError):
            return ""

    def _all(self) -> MultiFernet:
        if self._fernet is None:
            keys = self._keys or (_kept(self._file),)
            try:
                self._fernet = MultiFernet([Fernet(key) for key in keys])
            except ValueError:
                raise SealBroken(
                    f"The file {self._file} holds no key. Bring back the one it held, or delete the file and have each "
                    "workspace install again."
                ) from None
        return self._fernet


def _kept(file: Path) -> str:
    """The key in the file; of processes that make one at the same time, all get the same, and none half of one."""
    try:
        if not file.exists():
            made = file.with_name(f"{file.name}.{uuid4().hex}")
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writing:
                    writing.write(Fernet.generate_key())
                    writing.flush()
                    os.fsync(writing.fileno())
                with contextlib.suppress(FileExistsError):
                    os.link(made, file)
            finally:
                made.unlink(missing_ok=True)
        return file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SealBroken(f"The key file {file} can't be kept or read: {why}.") from error
