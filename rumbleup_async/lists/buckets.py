"""Lists in a bucket, or at an address of the web: s3://, gs://, https://.

Lives here: fetching one object in pieces, by obstore. Keys come from the environment, as the tools of each cloud take them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from rumbleup_async.errors import ListError
from rumbleup_async.lists import extras
from rumbleup_async.loopback import is_loopback

_PIECE: Final = 1 << 20


class Fetched:
    """The bytes of an object, as they come. Raises OSError where they stop."""

    def __init__(self, pieces: Iterator[Any], errors: tuple[type[Exception], ...]) -> None:
        self._pieces = pieces
        self._errors = errors
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        if not self._rest:
            try:
                self._rest = bytes(next(self._pieces, b""))
            except self._errors as error:
                raise OSError(0, f"the answer broke off ({type(error).__name__})") from None
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def opened(source: str) -> tuple[Fetched, str]:
    """The object at this address, and what it is called in an error: without anything secret. Raises `ListError`."""
    parts = urlsplit(source)
    scheme, path = parts.scheme.lower(), unquote(parts.path.lstrip("/"))
    where = f"{scheme}://{parts.hostname or ''}{':' + str(parts.port) if parts.port else ''}/{path}"
    if parts.username or parts.password or parts.query:
        raise ListError(
            f"{where}: an address with a key in it is seen by everybody; download the list and give the file, or put the "
            "key where the cloud's own tools look for it"
        )
    if not path:
        raise ListError(f"{where}: names no file; write {scheme}://{parts.hostname or 'BUCKET'}/PATH/list.csv")
    if scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ListError(f"{where}: is not encrypted, so phones would be seen on the way; use https://")
    obstore = extras.module("obstore", "buckets", f"{where}: this is in a bucket or on the web", "download it and give the file")
    stores = extras.module("obstore.store", "buckets", where, "download it and give the file")
    errors = extras.module("obstore.exceptions", "buckets", where, "download it and give the file")
    try:
        store = _store(stores, scheme, parts.netloc)
        answer = obstore.get(store, path)
    except (errors.NotFoundError, FileNotFoundError):
        raise ListError(f"{where}: there is no such file") from None
    except (errors.PermissionDeniedError, errors.UnauthenticatedError, PermissionError):
        raise ListError(f"{where}: may not be read with the keys in the environment") from None
    except (errors.BaseError, ValueError, OSError) as error:
        raise ListError(f"{where}: cannot be fetched: {_words(error)}") from None
    return Fetched(iter(answer.stream(min_chunk_size=_PIECE)), (errors.BaseError, OSError)), where


_status = re.compile(r"status code: (\d{3})").search


def _words(error: Exception) -> str:
    """What went wrong. Of the error itself, which quotes the answer, only the status is told."""
    said = str(error)
    if "MissingContentLength" in said:
        return "the server does not say how long it is; download it and give the file"
    if found := _status(said):
        return f"the server answered {found[1]}; check the address and the keys, or try again later"
    if "following redirect" in said:
        return "the server sends on and on to other addresses; check the address"
    if "error sending request" in said:
        return "the server does not answer; check the address, or try again later"
    return f"{type(error).__name__}; check the address and the keys"


def _store(stores: Any, scheme: str, host: str) -> Any:
    if scheme in ("http", "https"):
        return stores.HTTPStore.from_url(f"{scheme}://{host}", client_options={"allow_http": scheme == "http"})
    return stores.S3Store(host) if scheme == "s3" else stores.GCSStore(host)
