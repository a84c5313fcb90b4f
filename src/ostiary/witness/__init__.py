"""A witness for logs (C2SP tlog-witness), which runs alone: it cosigns a log's checkpoint only if it extends the last one it cosigned."""
