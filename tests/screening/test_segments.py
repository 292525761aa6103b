"""Segment counts, against the rule of 3GPP TS 23.038 and TS 23.040: they are what the provider bills."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.screening.segments import count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, ("GSM-7", 160, 1)),
        ("a" * 161, ("GSM-7", 161, 2)),
        ("a" * 306, ("GSM-7", 306, 2)),
        ("a" * 307, ("GSM-7", 307, 3)),
        ("é\n@£ΔÆß" + "a" * 153, ("GSM-7", 160, 1)),
        ("€" + "a" * 158, ("GSM-7", 160, 1)),
        ("{" + "a" * 159, ("GSM-7", 161, 2)),
        ("^{}\\[~]|€\f", ("GSM-7", 20, 1)),
        # An escape pair at 153 moves to the next part as a whole, which costs one septet of the part it leaves.
        ("a" * 152 + "€" + "a" * 152, ("GSM-7", 306, 3)),
        ("a" * 151 + "€" + "a" * 153, ("GSM-7", 306, 2)),
        ("`", ("UCS-2", 1, 1)),
        ("\t", ("UCS-2", 1, 1)),
        ("\u2019" + "a" * 69, ("UCS-2", 70, 1)),
        ("\u2019" + "a" * 70, ("UCS-2", 71, 2)),
        ("\u2019" + "a" * 133, ("UCS-2", 134, 2)),
        ("\u2019" + "a" * 134, ("UCS-2", 135, 3)),
        ("😀" * 35, ("UCS-2", 70, 1)),
        ("a" * 66 + "😀" + "a" * 66, ("UCS-2", 134, 3)),
        ("a" * 65 + "😀" + "a" * 67, ("UCS-2", 134, 2)),
    ],
)
def test_a_text_takes_these_segments(text: str, expected: tuple[str, int, int]) -> None:
    """The price shown before a run would be wrong, for every contact."""
    assert count(text) == expected


@given(st.text(alphabet=st.sampled_from("aé€{\u2019😀\n"), max_size=400))
def test_parts_hold_the_whole_text(text: str) -> None:
    """Fewer parts than the units need would promise a lower bill than comes."""
    encoding, units, needed = count(text)
    part = 153 if encoding == "GSM-7" else 67
    assert units >= len(text)
    assert needed == 1 or units / part <= needed <= units / (part - 1) + 1
