"""Questions that chat, page, feeds and mail all ask, as functions over a transaction that return plain values."""
