"""The detection service: `POST /v1/detect`, and the shapes of Presidio's analyzer and anonymizer, over the same engine as everywhere.

It promises the findings that `engine.detect` gives in process, a bound on everything that it takes, and that no text is kept or written to a log. It runs alone:
no home, no database, no gateway. On any address but this machine's own it asks for a bearer token.
"""
