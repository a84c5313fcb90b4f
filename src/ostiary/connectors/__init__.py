"""The only hands of the house. A connector is one system of a tenant's (an HTTP service, a database, a constant) with its address and sealed secrets;
a contract's target is bound to it once and then run with parameters. Whatever a parameter holds, it stays a value: one path segment, one JSON value,
one bound SQL parameter. What comes back is bounded in time, bytes and rows."""
