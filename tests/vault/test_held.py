"""The map of held keys is bounded, and does not keep what was looked up before something was dropped."""

from dataclasses import dataclass

from ostiary.vault.held import Held


@dataclass
class Hearing:
    fresh: bool = True


HEARS = Hearing()


def test_the_entry_used_longest_ago_goes_first() -> None:
    held: Held[str, str] = Held(2, HEARS)
    held.put("a", "1", epoch=0)
    held.put("b", "2", epoch=0)
    assert held.get("a") == "1"
    held.put("c", "3", epoch=0)
    assert (held.get("a"), held.get("b"), held.get("c")) == ("1", None, "3")


def test_the_first_of_two_makers_wins() -> None:
    held: Held[str, str] = Held(2, HEARS)
    assert held.put("a", "first", epoch=0) == "first"
    assert held.put("a", "second", epoch=0) == "first"


def test_what_was_looked_up_before_a_drop_is_handed_out_but_not_kept() -> None:
    held: Held[str, str] = Held(2, HEARS)
    epoch = held.epoch
    held.drop(lambda name, _entry: name == "a")
    assert held.put("a", "stale", epoch=epoch) == "stale"
    assert held.get("a") is None
    assert held.put("a", "fresh", epoch=held.epoch) == "fresh"
    assert held.get("a") == "fresh"


def test_nothing_counts_while_changes_are_not_heard() -> None:
    hearing = Hearing()
    held: Held[str, str] = Held(2, hearing)
    held.put("a", "1", epoch=held.epoch)
    hearing.fresh = False
    assert held.get("a") is None
    assert held.put("a", "2", epoch=held.epoch) == "2"
    assert held.put("b", "2", epoch=held.epoch) == "2"
    hearing.fresh = True
    assert (held.get("a"), held.get("b")) == ("1", None)
