"""The map of held keys is bounded, and does not keep what was looked up before something was dropped."""

from ostiary.vault.held import Held


def test_the_entry_used_longest_ago_goes_first() -> None:
    held: Held[str, str] = Held(2)
    held.put("a", "1")
    held.put("b", "2")
    assert held.get("a") == "1"
    held.put("c", "3")
    assert (held.get("a"), held.get("b"), held.get("c")) == ("1", None, "3")


def test_the_first_of_two_makers_wins() -> None:
    held: Held[str, str] = Held(2)
    assert held.put("a", "first") == "first"
    assert held.put("a", "second") == "first"


def test_what_was_looked_up_before_a_drop_is_handed_out_but_not_kept() -> None:
    held: Held[str, str] = Held(2)
    epoch = held.epoch
    held.drop(lambda name: name == "a")
    assert held.put("a", "stale", epoch=epoch) == "stale"
    assert held.get("a") is None
    assert held.put("a", "fresh", epoch=held.epoch) == "fresh"
    assert held.get("a") == "fresh"
