"""One rule, one file, its page inside."""
