"""What stands in for a driver: C sources of two libraries and an nvidia-smi."""
