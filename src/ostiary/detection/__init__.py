"""Finding what is sensitive in texts: secrets, personal data, numbers of every country, words and patterns of one's own.

It promises that `engine.detect` is a pure function over a batch: no store, no network, no clock, the same findings for the same text in any batch, time
linear in the text whatever stands in it. So it runs in process, as a service, in a worker or on a cluster alike. It knows nothing of tenants or of who
asks: what becomes of a finding is `privacy`'s and `redaction`'s.
"""
