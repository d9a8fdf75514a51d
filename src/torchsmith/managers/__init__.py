"""What each package manager calls the same action."""
