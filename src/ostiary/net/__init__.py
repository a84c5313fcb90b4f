"""The only way out. Every address that a tenant can name is resolved once, vetted, and connected to by that very IP address; every answer has a bound
in bytes and in seconds; what we send is signed by the same scheme that we ask of those who call us."""
