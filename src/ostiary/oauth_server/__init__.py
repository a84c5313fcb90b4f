"""The authorization server's face to programs: its metadata, its keys, and the two endpoints that clients post forms to. People meet it in the console."""
