"""Review: a document with its findings before a person, who accepts, rejects and adds, and exports what was redacted with its record.

What was handed in, what it says and what was made of it are sealed files of the tenant; what people decided is a list of rows that only grows, so that two reviewers at once lose
nothing, and who decided what stays to be seen. Documents are read, rewritten and drawn in processes of their own (`documents.confined`).
"""
