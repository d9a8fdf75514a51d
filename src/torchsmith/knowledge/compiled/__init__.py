"""Tables as Python constants, made by tools/compile_knowledge.py."""
