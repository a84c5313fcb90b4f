"""The log that nobody can quietly change: one Merkle tree (RFC 6962) a tenant and one for the installation, committed before any answer leaves.

An event is a public envelope (who, what, when, decided how; pseudonymous ids only) that commits to blobs sealed under the keys of the people the content
is about: destroying a key erases the content and leaves every proof valid. Signed checkpoints (C2SP) let anyone who keeps one verify later, offline, that
no event was changed, removed, reordered or added. The sequencer commits events, tiles and checkpoint in one transaction: no audit, no passage.
"""
