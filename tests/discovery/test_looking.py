"""The process in which items are looked at: what it says, and what is told when it dies."""

from ostiary.detection.rules import DEFAULT
from ostiary.discovery.looking import Looker
from ostiary.scanning.look import Limits
from ostiary.scanning.place import Item, Sample


def test_an_item_is_looked_at_apart_and_another_process_follows_one_that_died() -> None:
    looker = Looker()
    try:
        seen = looker.look(Item("a.txt", 16, "1"), b"jane@example.com", DEFAULT, Limits(), b"k" * 32)
        assert (seen.state, dict(seen.counts), len(seen.digest)) == ("looked", {"email": 1}, 64)
        column = Sample("mail", "text", ("jane@example.com", "joe@example.com"), 4)
        assert dict(looker.look(Item("t.mail", 0, ""), column, DEFAULT, Limits(), b"").counts) == {"email": 2}
        assert looker._process is not None
        looker._process.kill()
        dead = looker.look(Item("b.txt", 16, "1"), b"jane@example.com", DEFAULT, Limits(), b"")
        assert (dead.state, dict(dead.counts)) == ("malformed", {})
        again = looker.look(Item("b.txt", 16, "1"), b"jane@example.com", DEFAULT, Limits(), b"")
        assert again.state == "looked"
    finally:
        looker.close()
