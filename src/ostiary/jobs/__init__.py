"""Jobs: long work that outlives a request and a process.

A job is a row, made in the transaction of whoever asked for it. Any worker goes on with it, one at a time; progress, cancelling and failing are rows
too, so that whoever looks sees how it stands. What a job does is its kind's step action (`ostiary.work`), which passes through the door like any call.
"""
