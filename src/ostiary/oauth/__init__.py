"""OAuth 2.1: agents that come with a token for a person instead of a key, the small authorization server that gives such tokens, the issuers that a
tenant trusts besides, and the tokens that upstreams give to each of our people. No token of one person is ever used for another."""
