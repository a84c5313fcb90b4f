"""Documents redacted whole: what is found in them is replaced, what nobody can see is removed, and the result is verified before anybody gets it.

Pure: content in, content out. No store, no network, no clock but the child process's limits. What cannot be read, redacted or verified is refused with one clear error.
"""
