"""Authorization servers of others whose tokens a tenant takes, for people who are its members already."""
