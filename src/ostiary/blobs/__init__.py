"""Large content by name: opaque bytes in a local folder or an object store (S3, Google Cloud Storage, Azure).

It promises that a blob appears whole or not at all, is never overwritten, and is on the disk when it is said to be stored. What it holds is sealed by
`vault.files` before it comes here.
"""
