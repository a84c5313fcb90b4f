"""Names as a database may compare them."""

import unicodedata


def key(name: str) -> str:
    """The same for all names that some engine or collation takes for equal: whatever their case, width and accents. For what must not be missed, not for what is looked up."""
    if name.isascii():
        return name.lower()
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in letters if not unicodedata.combining(sign)).casefold()
