"""Reads the body of an answer, and stops as soon as it is too large."""

from __future__ import annotations

import zlib

import httpx

from bot.sources.base import TooLarge, Unreadable


async def body_of(response: httpx.Response, host: str, limit: int) -> bytes:
    """The body of a streamed response, unpacked. At most `limit` bytes of it are read, packed or unpacked.

    httpx unpacks each chunk whole, which makes a bomb a thousand times larger. Here a chunk is unpacked only up to the
    limit. Raises TooLarge, Unreadable, and the errors of httpx when the connection breaks.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise Unreadable(f"{host} packed its answer in a way it was not asked to ({encoding[:20]}).")
    unpacker = _Gzip(host) if "gzip" in encoding else None
    packed_size, body = 0, bytearray()
    async for chunk in response.aiter_raw():
        packed_size += len(chunk)
        body += unpacker.unpack(chunk, limit + 1 - len(body)) if unpacker else chunk
        if packed_size > limit or len(body) > limit:
            raise TooLarge(f"{host} sent more than {limit / 1_000_000:g} MB, which is no list of papers.")
    if unpacker and packed_size and not unpacker.complete:
        raise Unreadable(f"{host} sent a packed answer that is cut off in the middle.")
    return bytes(body)


class _Gzip:
    """Unpacks gzip chunk by chunk, one member after another, up to a limit."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def complete(self) -> bool:
        return self._stream.eof

    def unpack(self, chunk: bytes, limit: int) -> bytes:
        """The chunk, unpacked: at most `limit` bytes. A caller that gets that many stops."""
        content = bytearray()
        try:
            while chunk and len(content) < limit:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
                content += self._stream.decompress(chunk, limit - len(content))
                chunk = self._stream.unused_data
        except zlib.error as error:
            raise Unreadable(f"{self._host} sent a packed answer that cannot be unpacked.") from error
        return bytes(content)
