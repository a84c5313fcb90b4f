"""The face that nobody sees: it takes jobs from the queue and calls their steps through the door, one after the other, until they are over.

Several workers share the work, and one goes on where another died. The rows of the jobs decide who may do what; DBOS (`ostiary.jobs.workflows`) sees to it
that what was begun is gone on with.
"""
