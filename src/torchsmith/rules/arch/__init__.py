"""GPU architectures against GPU code."""
