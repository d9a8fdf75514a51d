"""CUDA toolkits and host compilers."""
