"""Wires everything from Settings, once, and serves it. Nothing imports this; here the rooms meet that know nothing of each other."""
