"""Phone numbers as the provider writes them. Pure."""

__all__ = ["digits"]


def digits(value: object) -> str | None:
    """A phone number as 10 digits, without the country code 1; None if the value is no phone number."""
    text = value if isinstance(value, str) else str(value)
    if not (len(text) == 10 and text.isascii() and text.isdigit()):
        text = "".join(letter for letter in text if letter in "0123456789")
        if len(text) == 11 and text[0] == "1":
            text = text[1:]
    return text if len(text) == 10 else None
