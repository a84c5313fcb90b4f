"""Review: a document with its findings before a person, who accepts, rejects and adds, and exports what was redacted with its record."""
