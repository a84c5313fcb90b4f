"""Where the log is shown to those who do not trust us: its checkpoints kept, cosigned by witnesses, posted and mailed; its tiles over HTTP.

Before a checkpoint is published it is checked to extend the one published before it, so that a log that was rolled back or changed is noticed here, and not
only by whoever kept the older checkpoint. Everything published is hashes and signatures: never an event, never a name.
"""
