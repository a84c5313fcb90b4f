"""What is let go, and what must not be: legal holds, how long each kind of data is kept, the erasure of a subject and the end of a tenant.

It promises that nothing under a hold is dropped, whoever asks and whatever happens at the same moment; that what was erased opens nowhere again, also after
a restore; and that the log's old proofs still verify. Success is never reported for what was done in part.
"""
