"""What is known of backups: which were taken, which were proven by a drill, what was restored. The commands that do so tell it here, through the door."""
