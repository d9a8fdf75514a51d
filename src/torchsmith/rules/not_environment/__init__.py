"""What no change of the environment cures, and what is no fault at all."""
