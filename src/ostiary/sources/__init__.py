"""Databases that may be asked: which tables are open to whom, how they are shown, who has to agree, and one statement at a time run so. Nothing of an answer is kept.

A source is a connector with a policy. What the policy does not open is not there for whoever asks; what it does not speak of stays masked; what the database got since it
was last looked at is not there before a person has taken it in. Rows pass through memory only.
"""
