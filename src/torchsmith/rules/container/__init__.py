"""Containers, WSL, Nix, Jetson."""
