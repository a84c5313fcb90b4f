"""The door: the one path that every call takes, whoever asks and whichever face they use. Read `door.py`; `docs/the-door.md` walks it."""
