"""One thin use case per verb."""
