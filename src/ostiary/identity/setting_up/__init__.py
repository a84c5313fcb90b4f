"""The set-up token: who holds it becomes the first owner."""
