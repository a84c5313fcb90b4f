"""Who is mailed that calls wait for a decision, and the signed link that leads each of them to a card."""
