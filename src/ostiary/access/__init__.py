"""Who may do what: permissions and roles as data, one function that decides, and a matrix that a reviewer can read.

It promises that what nobody granted is refused, that nobody grants more than they hold, and that agents never hold what would let them approve
themselves. Decisions are pure; only the tenant's own roles are read from the database.
"""
