"""Proxies and certificates that the environment names: what can't be used is one sentence with the variable in it."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.operate import core_checks
from bot.sources.base import BadSurroundings
from bot.sources.fetch import Fetcher, Limits
from bot.sources.guard import proxy_for
from tests.support.paper_sources import PaperSources

ADDRESS = httpx.URL("https://x.example/feed")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("all_proxy", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
@pytest.mark.parametrize(
    "proxy",
    ["socks://h:1", "socks4://h:1", "ftp://h", "http://", "http://[", "http://h:99999", "http://me:secret@:1", "a b"],
)
def test_a_proxy_that_cannot_be_used_is_told_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(BadSurroundings, match=rf"^{variable} names (no proxy|a SOCKS proxy of another kind)") as raised:
        proxy_for(ADDRESS)
    assert "secret" not in str(raised.value)


def test_a_socks_proxy_without_its_package_is_told_with_both_mends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5h://me:secret@127.0.0.1:1080")
    monkeypatch.setattr("bot.sources.guard.find_spec", lambda name: None)
    with pytest.raises(BadSurroundings) as raised:
        proxy_for(ADDRESS)
    assert str(raised.value) == (
        "ALL_PROXY names a SOCKS proxy: install the package socksio beside Paperboy, or name an HTTP proxy; one looks "
        "like http://proxy.example:3128."
    )


@pytest.mark.parametrize("proxy", ["http://h:3128", "https://me:secret@h", "h:3128", "http://[::1]:3128"])
def test_a_good_proxy_is_used(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert proxy_for(ADDRESS).endswith(proxy)


async def test_an_address_in_brackets_in_no_proxy_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "[::1],127.0.0.1")
    async with PaperSources() as server, Fetcher() as fetcher:
        assert (await fetcher.get(server.answer("/a", "text"), trusted=True)).body == b"text"
        finding = await core_checks.clock([server.url], lambda: datetime.now(UTC))
    assert (finding.problem, finding.seen) == ("", True)


async def test_a_bad_proxy_leaves_the_clock_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://h:1")
    finding = await core_checks.clock([str(ADDRESS)], lambda: datetime.now(UTC))
    assert (finding.problem, finding.seen) == ("", False)


async def test_a_file_of_certificates_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for path in (tmp_path / "missing.pem", empty):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        async with Fetcher() as fetcher:
            with pytest.raises(BadSurroundings, match=r"^SSL_CERT_FILE names no readable file of certificates"):
                await fetcher.get("http://127.0.0.1:9/", trusted=True)


async def test_a_certificate_that_is_not_trusted_is_told_until_its_authority_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    certificate = tmp_path / "own.pem"
    certificate.write_bytes(_self_signed())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server:
        async with Fetcher(limits=Limits(total=5.0)) as fetcher:
            with pytest.raises(BadSurroundings, match=r"127\.0\.0\.1's certificate is not trusted .*SSL_CERT_FILE"):
                await fetcher.get(url, trusted=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with Fetcher(limits=Limits(total=5.0)) as fetcher:
            assert (await fetcher.get(url, trusted=True)).body == b"ok"


def _self_signed() -> bytes:
    """A key and its self-signed certificate for 127.0.0.1, in PEM form."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
