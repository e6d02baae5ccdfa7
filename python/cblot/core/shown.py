"""Values and texts as messages may show them."""

from __future__ import annotations


def visible(text: str, keep: str = "") -> str:
    """Text with escapes for what a terminal would obey, but for characters to keep."""
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def one_line(message: object) -> str:
    """Message in a line, as it may be shown."""
    return visible(" ".join(str(message).split()))


def shortened(value: object) -> str:
    """A value in an error: not digits by the hundred, which Python may refuse to print."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
