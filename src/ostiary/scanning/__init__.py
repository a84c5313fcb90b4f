"""Scanning: what a place holds (a folder, a bucket, a database), looked at item by item into an inventory that holds no value."""
