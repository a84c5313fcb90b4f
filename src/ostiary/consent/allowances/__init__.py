"""What a person allowed beforehand: this agent, this contract, these values, up to so much, so often, until then. It answers a question; it never adds a right."""
