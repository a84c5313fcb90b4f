"""Ostiary: a self-hosted gateway between AI (and people) and a company's data.

Everyone who wants to read or change that data comes through one door (`ostiary.door`), which knows who asks, what was
agreed, who must consent and what must be hidden, and which leaves proof behind. Read `docs/the-door.md` first.
"""

__version__ = "0.3.0"
