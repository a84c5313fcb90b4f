"""What becomes of a finding: plans and their operators, reversible tokens, and streams that redact and restore in pieces.

Pure: keys come in as bytes, nothing is stored, nothing is asked of a clock or a network. What cannot be done as the plan says is refused, never left as it was.
"""
