"""What hides a GPU that is there."""
