"""A value that must not be seen. It is opened at the last moment, by name, so that a reader can find every place that does."""

import hmac
from typing import NoReturn


class Secret:
    """Text that never shows itself: `repr`, `str` and formatting give `***`; it does not pickle or serialise."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Every caller is a place to review."""
        return self._text

    def matches(self, other: "Secret | str") -> bool:
        """Equality in constant time (`hmac.compare_digest`)."""
        text = other._text if isinstance(other, Secret) else other
        return hmac.compare_digest(self._text.encode(), text.encode())

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other)

    def __hash__(self) -> NoReturn:
        raise TypeError("a Secret is not a key of a dictionary")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")
