"""The sample company: a trading house with a database, a back-end that really refunds, contracts, and one poisoned ticket.

It is what `ostiary demo` shows and what the tests act on: the gateway in front of it is the real one, nothing in it knows that the company is
made up. Everything is drawn from a seed, so two machines show the same story.
"""
