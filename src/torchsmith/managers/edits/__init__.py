"""Edits of files, text to text: what is not meant to change stays as it is, byte for byte."""
