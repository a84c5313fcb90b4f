"""Backups that are proven: taken while the gateway runs, restored with what was erased since erased again, and drilled by booting the application.

It promises that a backup appears whole or not at all, that its files tell nothing to whoever has no root key, that key material never lies beside the data
that it opens, and that nothing is called verified before the application has run on the restored copy and every log was counted anew.
"""
