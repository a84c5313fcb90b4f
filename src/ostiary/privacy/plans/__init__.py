"""A tenant's own rule sets and redaction plans, and what is done by them: texts are redacted, and the tokens of a scope turned back.

A rule set says what is looked for, a plan what becomes of it. Both are documents with a name, and every version stays. What is written under a name is checked as a
whole, as it will run. Tokens are made with the key of a scope, which the vault holds: whoever has no scope's key has nothing of its values.
"""
