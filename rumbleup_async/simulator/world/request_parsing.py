"""Reads a request's parameters: query, JSON, form and multipart become one dict. Pure.

The pages show JSON (Message API), forms with `-d` and multipart with `-F` (Action and Project API), so every endpoint
reads all of them. A file becomes an `Upload`. A name that comes more than once becomes a list.
"""

from collections.abc import Iterable
from email.message import Message
from email.parser import HeaderParser
from typing import Any
from urllib.parse import parse_qsl

import msgspec

__all__ = ["Params", "Upload", "listed", "read", "truth"]

Params = dict[str, Any]

_decode = msgspec.json.Decoder().decode
_headers = HeaderParser()


class Upload(msgspec.Struct, frozen=True):
    """A file in a multipart body."""

    part: str
    filename: str
    content_type: str
    data: bytes


def read(query: str, content_type: str | None, body: bytes) -> Params | None:
    """The parameters of query and body; the body wins. None if the body is neither a JSON object nor a form nor multipart."""
    params: Params = _collected(parse_qsl(query, keep_blank_values=True)) if query else {}
    if not body:
        return params
    if content_type is not None:
        if content_type.startswith("application/x-www-form-urlencoded") and body[:1] != b"{":
            params.update(_collected(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)))
            return params
        if content_type.startswith("multipart/form-data"):
            parts = _parts(content_type, body)
            return None if parts is None else params | _collected(parts)
    try:
        fields = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(fields, dict):
        return None
    if not params:
        return fields
    params.update(fields)
    return params


def listed(value: object) -> list[str]:
    """The items of a list parameter, which is a list or one text with commas."""
    if value is None or value == "":
        return []
    parts = value if isinstance(value, list) else str(value).split(",")
    return [text for part in parts if (text := str(part).strip())]


def truth(value: object) -> bool:
    """Whether a boolean parameter is true, as JSON and as forms write it."""
    return value is True or str(value).strip().lower() in {"true", "1", "yes", "on"}


def _collected(pairs: Iterable[tuple[str, Any]]) -> Params:
    params: Params = {}
    for name, value in pairs:
        if name not in params:
            params[name] = value
        elif isinstance(params[name], list):
            params[name].append(value)
        else:
            params[name] = [params[name], value]
    return params


def _parts(content_type: str, body: bytes) -> list[tuple[str, str | Upload]] | None:
    about = Message()
    about["Content-Type"] = content_type
    boundary = about.get_boundary()
    if not boundary:
        return None
    sections = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if len(sections) < 2 or not sections[-1].startswith(b"--"):
        return None
    parts: list[tuple[str, str | Upload]] = []
    for section in sections[1:-1]:
        head, found, data = section.partition(b"\r\n\r\n")
        headers = _headers.parsestr(head.lstrip().decode("utf-8", "replace"))
        name = headers.get_param("name", header="content-disposition")
        if not found or not isinstance(name, str):
            return None
        filename = headers.get_filename()
        if filename is None:
            parts.append((name, data.decode("utf-8", "replace")))
        else:
            parts.append((name, Upload(name, filename, headers.get_content_type(), data)))
    return parts
