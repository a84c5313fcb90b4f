"""The command line. It talks to the running gateway over REST; what works offline says so, and takes the data folder's lock where it must.

Imports are lazy: a command loads what it needs, so that `--help` is quick.
"""
