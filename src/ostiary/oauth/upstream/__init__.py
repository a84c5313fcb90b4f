"""Accounts of our people at the systems behind the door: each connects their own, and nobody else's call ever uses it."""
