"""What agents, keys, sessions, people and a whole tenant may do of what was agreed: so many calls, rows, tokens, so much money an hour, a day, a week or a
month, and at which hours. A limit is counted in the transaction that records the call, so it holds across processes and through a crash."""
