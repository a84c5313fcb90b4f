"""The ledger of erasures: what was destroyed is destroyed again after a restore, before anything is opened.

Each entry stands twice: a row in the key store with a MAC, and a signed file in blob storage that is never overwritten. Either alone is enough.
"""
