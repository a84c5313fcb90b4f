"""What the HTTP faces share: bounded bodies, who is calling from where, answers and problems, allowed hosts and security headers.

Plain ASGI, no middleware stack: a face calls these functions where it needs them, and `guard` wraps the whole application once.
"""
