"""Consent: whether a call runs, asks a person or is refused; what was asked and answered; and that it is done once.

It promises that what a person approved is what runs (bound to tenant, actor, contract, parameters, policy and expiry), that an approval is used once, and
that a call with an effect has exactly one row here from intent to outcome, which survives a crash at any moment.
"""
