"""Storage: SQLAlchemy Core, synchronous, one thread hop per unit of work, on SQLite (embedded) and PostgreSQL.

It promises that what a write transaction committed is on the disk (`synchronous=FULL`), that writers wait for each other instead of failing,
and that every column says how it is held: clear, sealed or blind-indexed. Statements live in the rooms' `store.py`; this room has none.
"""
