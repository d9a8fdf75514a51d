"""The NVIDIA driver: versions, modules, states."""
