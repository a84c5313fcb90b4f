"""What stops a backup, a restore or a drill. The texts are for the operator."""


class Refused(Exception):
    """What was asked does not fit: nothing was done."""


class Damaged(Exception):
    """A backup is not what was taken: a file is missing, changed, cut, of another backup, or does not open. It is never used."""
