"""The rows of what agents have read, and of what they wrote from what should not be trusted: keyed fingerprints that expire."""
