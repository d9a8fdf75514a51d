"""torchsmith makes PyTorch and CUDA fit a machine."""

__version__ = "0.1.0"
