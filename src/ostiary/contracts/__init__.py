"""Contracts: what a tenant has agreed that may be asked of its systems, as data.

It promises that a contract file is either taken whole or refused with every mistake named by line and column; that an action made from it
checks its parameters against a schema that cannot be made slow or sent elsewhere; and that its hash changes whenever what would run changes.
It also remembers, as keyed fingerprints, which answers a value was seen in. Rooms beside it (connectors) are given to it as functions.
"""
