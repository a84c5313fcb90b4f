"""The face that auditors' and witnesses' programs use: the log's checkpoint, tiles and entries as static files over HTTP (C2SP tlog-tiles)."""
