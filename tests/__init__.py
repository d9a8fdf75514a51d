"""The tests of torchsmith."""
