"""Who asks: tenants, people, their sessions and second factors, members, and the API keys of programs, agents and customer surfaces.

It promises that a credential is checked in constant time and refused without saying why, that only keyed hashes of credentials are stored, that taking
something away (a key, a role, a session, a membership) is effective at the next call, and that a database alone opens nothing.
"""
