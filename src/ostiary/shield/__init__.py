"""The shield: limits that hold before anything else is looked at, per actor and per address.

It promises that one caller cannot take all of the gateway: rates by GCRA on a monotonic clock, calls under way at once, all in memory and bounded.
"""
