"""What a tool's words say of it: which label each parameter gets, what it does, which fields of its answer are the system's own. General rules of language,
no product's names; pure, and every suggestion with its reason."""
