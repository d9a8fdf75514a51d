"""Compiling PyTorch, its extensions, and other CUDA code."""
