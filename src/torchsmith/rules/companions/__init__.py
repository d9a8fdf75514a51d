"""NumPy, torchvision and other packages compiled against torch."""
