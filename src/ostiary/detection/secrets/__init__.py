"""Every kind of key, token and password that has a form of its own, as data: what it is called, what it looks like, and how it is checked.

`kinds.KINDS` lists them all, in files by what they open. It imports nothing of the engine: the categories and the pattern tier are made from it.
The forms are those that the issuers publish in their documentation; where one publishes a checksum, it is computed.
"""
