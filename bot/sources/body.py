"""Reads an answer's body, and stops as soon as it is too much."""

from __future__ import annotations

import zlib

import httpx

from bot.sources.base import TooLarge, Unreadable


async def body_of(response: httpx.Response, host: str, most: int) -> bytes:
    """The body of a streamed `response`, unpacked; neither packed nor unpacked is more than `most` bytes read.

    httpx unpacks each chunk whole, which makes a bomb a thousand times larger; here a chunk never grows beyond what is
    left. Raises TooLarge, Unreadable, and whatever httpx raises when the connection breaks.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise Unreadable(f"{host} packed its answer in a way it was not asked to ({encoding[:20]}).")
    unpacker = _Gzip(host) if "gzip" in encoding else None
    packed, body = 0, bytearray()
    async for chunk in response.aiter_raw():
        packed += len(chunk)
        body += unpacker.unpack(chunk, most + 1 - len(body)) if unpacker else chunk
        if packed > most or len(body) > most:
            raise TooLarge(f"{host} sent more than {most / 1_000_000:g} MB, which is no list of papers.")
    if unpacker and packed and not unpacker.complete:
        raise Unreadable(f"{host} sent a packed answer that is cut off in the middle.")
    return bytes(body)


class _Gzip:
    """Unpacks gzip by chunks, members one after another, with a bound on what comes out."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def complete(self) -> bool:
        return self._stream.eof

    def unpack(self, chunk: bytes, most: int) -> bytes:
        """What `chunk` holds, at most `most` bytes; the caller stops when it gets that many."""
        out = bytearray()
        try:
            while chunk and len(out) < most:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
                out += self._stream.decompress(chunk, most - len(out))
                chunk = self._stream.unused_data
        except zlib.error as error:
            raise Unreadable(f"{self._host} sent a packed answer that cannot be unpacked.") from error
        return bytes(out)
