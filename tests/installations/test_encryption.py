from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.installations.encryption import TokenCipher, TokensUnreadable
from tests.fakes.clock import Clock

NOW = Clock().now


def test_a_secret_is_encrypted_and_decrypted_again(tmp_path: Path) -> None:
    cipher = TokenCipher((), tmp_path / "deep" / "encryption.key")
    encrypted = cipher.encrypt("xoxb-hunter2", NOW)
    assert "hunter2" not in encrypted
    assert TokenCipher((), tmp_path / "deep" / "encryption.key").decrypt(encrypted) == "xoxb-hunter2"


def test_the_key_file_has_mode_600_and_no_temporary_file_is_left(tmp_path: Path) -> None:
    TokenCipher((), tmp_path / "encryption.key").encrypt("x", NOW)
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_concurrent_processes_make_a_single_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        encrypted = list(threads.map(lambda n: TokenCipher((), tmp_path / "key").encrypt(str(n), NOW), range(32)))
    assert [TokenCipher((), tmp_path / "key").decrypt(each) for each in encrypted] == [str(n) for n in range(32)]


def test_the_first_key_encrypts_and_every_key_decrypts(tmp_path: Path) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    encrypted = TokenCipher((old,), tmp_path / "key").encrypt("secret", NOW)
    both = TokenCipher((new, old), tmp_path / "key")
    assert both.decrypt(encrypted) == "secret"
    assert TokenCipher((new,), tmp_path / "key").decrypt(both.encrypt("secret", NOW)) == "secret"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keys", [(), (Fernet.generate_key().decode(),)])
def test_a_wrong_key_is_reported_in_one_line_with_the_mend(tmp_path: Path, keys: tuple[str, ...]) -> None:
    encrypted = TokenCipher((Fernet.generate_key().decode(),), tmp_path).encrypt("xoxb-hunter2", NOW)
    with pytest.raises(TokensUnreadable, match="Bring that one back") as caught:
        TokenCipher(keys, tmp_path / "encryption.key").decrypt(encrypted)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_without_a_key_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "encryption.key"
    for content in (b"", b"hunter2", b"\xff\xfe"):
        file.write_bytes(content)
        file.chmod(0o600)
        with pytest.raises(TokensUnreadable, match=r"The file .* holds no key|can.t be kept or read"):
            TokenCipher((), file).encrypt("x", NOW)


def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TokensUnreadable, match="can't be kept"):
        TokenCipher((), tmp_path / "file" / "encryption.key").encrypt("x", NOW)


def test_decrypt_fresh_refuses_expired_and_foreign_secrets(tmp_path: Path) -> None:
    cipher, minute = TokenCipher((), tmp_path / "key"), timedelta(minutes=1)
    encrypted = cipher.encrypt("word", NOW)
    assert cipher.decrypt_fresh(encrypted, NOW + minute, minute) == "word"
    assert cipher.decrypt_fresh(encrypted, NOW + minute + timedelta(seconds=1), minute) == ""
    assert cipher.decrypt_fresh("no token", NOW, minute) == ""


@pytest.mark.parametrize(("mode", "action"), [(0o644, "read"), (0o640, "read"), (0o666, "read"), (0o602, "change")])
def test_a_key_that_others_may_read_or_change_is_refused_with_the_mend(tmp_path: Path, mode: int, action: str) -> None:
    file = tmp_path / "encryption.key"
    encrypted = TokenCipher((), file).encrypt("x", NOW)
    file.chmod(mode)
    with pytest.raises(
        TokensUnreadable, match=f"users of this machine can {action} the key file .*`chmod 600 {file}`"
    ) as caught:
        TokenCipher((), file).decrypt(encrypted)
    assert "\n" not in str(caught.value)
    file.chmod(0o600)
    assert TokenCipher((), file).decrypt(encrypted) == "x"
    file.chmod(0o400)
    assert TokenCipher((), file).decrypt(encrypted) == "x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_that_belongs_to_somebody_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "encryption.key"
    encrypted = TokenCipher((), file).encrypt("x", NOW)
    os.chown(file, 65534, -1)
    with pytest.raises(TokensUnreadable, match=r"belongs to another user.*`chown 0 "):
        TokenCipher((), file).decrypt(encrypted)


def test_rotate_encrypts_with_the_first_key_and_keeps_the_time_mark(tmp_path: Path) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    encrypted = TokenCipher((old,), tmp_path / "key").encrypt("secret", NOW)
    both = TokenCipher((new, old), tmp_path / "key")
    assert not both.uses_first_key(encrypted)
    again = both.rotate(encrypted)
    assert both.uses_first_key(again)
    assert TokenCipher((new,), tmp_path / "key").decrypt(again) == "secret"
    minute = timedelta(minutes=1)
    assert both.decrypt_fresh(again, NOW + minute, minute) == "secret"
    assert both.decrypt_fresh(again, NOW + minute * 2, minute) == ""
