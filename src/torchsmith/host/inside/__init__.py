"""Scripts that run inside an interpreter that we examine, or in a child of our own."""
