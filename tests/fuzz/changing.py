"""Inputs that differ a little from known ones: for where no coverage-guided fuzzer is at hand."""

import random
from collections.abc import Sequence

_WORDS = (
    b"", b"\0", b"\n", b"\r\n", b",", b'"', b"{", b"}", b"[", b"]", b"null", b"true", b"-1", b"1e999", b"9" * 30,
    b"\xff\xfe", b"\xc3", b"\xef\xbb\xbf", b"\\ud800", b"phone", b"2025550101", b"status", b"error", b"logid", b"data",
    b"429", b"PK\x03\x04", b"PAR1", b"=", b"[" * 3000,
)  # fmt: skip


def changed(draw: random.Random, known: Sequence[bytes]) -> bytes:
    """One of these with some bytes taken out, put in, or taken from another."""
    data = draw.choice(known)
    for _ in range(draw.choice((1, 1, 2, 5))):
        first = draw.randrange(len(data) + 1)
        last = min(len(data), first + draw.choice((0, 1, 1, 4, 60)))
        other = draw.choice(known)
        begin = draw.randrange(len(other) + 1)
        new = draw.choice(
            (draw.choice(_WORDS), draw.randbytes(draw.choice((1, 1, 4))), other[begin : begin + draw.choice((4, 60))])
        )
        data = data[:first] + new + data[last:]
    return data
