"""Deliveries that are over: a person sends them again, or they are let go."""
