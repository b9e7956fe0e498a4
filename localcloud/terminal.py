"""Output that is safe for a terminal: text from outside can move the cursor or fill the clipboard."""

from typing import TextIO


def printable(text: str, *, keep: str = "") -> str:
    r"""Return the text with each character that has no visible form as an escape, such as `\x1b` or `\u202e`.

    These are control characters, line breaks and signs that change the direction of text. Characters in `keep` stay.
    """
    return "".join(
        sign if sign.isprintable() or sign in keep else sign.encode("unicode_escape").decode("ascii") for sign in text
    )


def print_safely(text: str, *, file: TextIO | None = None) -> None:
    """Print the text, in which only line breaks stay as they are."""
    print(printable(text, keep="\n"), file=file)
