"""Encrypts tokens before they reach the database, and decrypts them again.

Fernet is AES-128 in CBC mode with an HMAC-SHA256 over it: cryptography.io/en/latest/fernet.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_LONGEST_FILE = 1_000
"""Bytes; a key has 44."""
_OWN_NAME, _NAME = "the name of the key itself", 16
"""The text whose keyed hash is a key's public name, and the characters of it: 64 bits, so that no two keys share it."""


class TokensUnreadable(Exception):
    """A token can't be decrypted, or no key can be stored. The text is for the operator and holds no secret."""


class TokenCipher:
    """Encrypts with the first key and decrypts with any. Without keys it makes a key and stores it in `file`, which
    only its owner can read; but not if several processes must have the same key (`shared`)."""

    def __init__(self, keys: Sequence[str], file: Path, *, shared: bool = False) -> None:
        self._keys, self._file, self._shared = tuple(keys), file, shared
        self._all: tuple[str, ...] = ()
        self._fernet: MultiFernet | None = None
        self._first: Fernet | None = None

    def encrypt(self, secret: str, now: datetime) -> str:
        """The secret, encrypted and marked with this time. Raises TokensUnreadable when no key can be stored."""
        return self._loaded().encrypt_at_time(secret.encode(), int(now.timestamp())).decode()

    def decrypt(self, encrypted: str) -> str:
        """The secret. Raises TokensUnreadable, whose text says how to mend it, when no key decrypts it."""
        try:
            return self._loaded().decrypt(encrypted).decode()
        except InvalidToken:
            where = "PAPERBOY_ENCRYPTION_KEYS" if self._keys else str(self._file)
            raise TokensUnreadable(
                f"The key in {where} does not open the tokens in the store: it is another one than they were sealed "
                "with. Bring that one back (from the data folder of the Paperboy that wrote them, or name it too in "
                "PAPERBOY_ENCRYPTION_KEYS), or empty the table `installations` and have each workspace install again."
            ) from None

    def rotate(self, encrypted: str) -> str:
        """The same secret, encrypted with the first key and with its old time mark. Raises TokensUnreadable."""
        self.decrypt(encrypted)
        return self._loaded().rotate(encrypted).decode()

    def uses_first_key(self, encrypted: str) -> bool:
        """Whether the secret was encrypted with the first key."""
        self._loaded()
        assert self._first is not None
        try:
            self._first.decrypt(encrypted)
        except InvalidToken:
            return False
        return True

    def decrypt_fresh(self, encrypted: str, now: datetime, lifetime: timedelta) -> str:
        """The secret if it was encrypted here within the lifetime; "" for anything else."""
        try:
            return (
                self._loaded().decrypt_at_time(encrypted, int(lifetime.total_seconds()), int(now.timestamp())).decode()
            )
        except (InvalidToken, ValueError):
            return ""

    def fingerprints(self, text: str) -> tuple[str, ...]:
        """The keyed hash of a text by each key, in hexadecimal; that of the first key is the one to store. Without a
        key nobody can find the text by trying. Raises TokensUnreadable when no key can be stored."""
        self._loaded()
        return tuple(
            hmac.new(key.encode(), b"fingerprint\0" + text.encode(), "sha256").hexdigest() for key in self._all
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The public names of the keys, the first key's first. They tell keys apart and give none away. Raises
        TokensUnreadable when no key is set or can be stored."""
        return tuple(each[:_NAME] for each in self.fingerprints(_OWN_NAME))

    def _loaded(self) -> MultiFernet:
        if self._fernet is None:
            if self._shared and not self._keys:
                raise TokensUnreadable(_how_to_set(self._file))
            keys = self._all = self._keys or (_stored_key(self._file),)
            try:
                self._first = Fernet(keys[0])
                self._fernet = MultiFernet([self._first, *map(Fernet, keys[1:])])
            except ValueError:
                raise TokensUnreadable(
                    f"The file {self._file} holds no key. Bring back the one it held, or delete the file and have each "
                    "workspace install again."
                ) from None
        return self._fernet


def _how_to_set(file: Path) -> str:
    """A sentence on how to set the key that all processes share. `file` may hold the key of an earlier start."""
    own = f"the one in {file}, which an earlier start made" if file.exists() else "a new one"
    return (
        f"Processes that share a PostgreSQL store share one encryption key: set PAPERBOY_ENCRYPTION_KEYS to {own}"
        f"{'' if file.exists() else ', as `openssl rand -base64 32 | tr +/ -_` makes it'}, for every process."
    )


def _stored_key(file: Path) -> str:
    """The key in the file. Processes that make the file at the same time all get the same, whole key."""
    try:
        if not file.exists():
            temporary = file.with_name(f"{file.name}.{uuid4().hex}")
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
                    output.write(Fernet.generate_key())
                    output.flush()
                    os.fsync(output.fileno())
                with contextlib.suppress(FileExistsError):
                    os.link(temporary, file)
            finally:
                temporary.unlink(missing_ok=True)
        with file.open("rb") as key_file:
            _refuse_shared(file, os.fstat(key_file.fileno()))
            return key_file.read(_LONGEST_FILE).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is no text"
        raise TokensUnreadable(f"The key file {file} can't be kept or read: {problem}.") from error


def _refuse_shared(file: Path, status: os.stat_result) -> None:
    """Raises TokensUnreadable for a key that other users may have read or written."""
    if sys.platform == "win32":
        return
    if status.st_uid not in (os.geteuid(), 0):
        raise TokensUnreadable(
            f"The key file {file} belongs to another user, who may read and replace it. If its key is yours, say "
            f"`chown {os.geteuid()} {file}`."
        )
    if mode := status.st_mode & 0o077:
        action = "read" if mode & 0o044 else "change" if mode & 0o022 else "use"
        raise TokensUnreadable(
            f"Other users of this machine can {action} the key file {file} (its mode is {status.st_mode & 0o777:o}). "
            f"Say `chmod 600 {file}`. If somebody may have read it, also replace the key: put a new one before it in "
            "PAPERBOY_ENCRYPTION_KEYS."
        )
