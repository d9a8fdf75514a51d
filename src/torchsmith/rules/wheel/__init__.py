"""Which torch build was installed, and by whom."""
