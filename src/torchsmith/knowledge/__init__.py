"""What the field knows: one table per subject, one small module of lookups per table family.

A table answers only what cannot be read from the machine or from a wheel. Lookups read compiled tables (see
``tools/compile_knowledge.py``); ``load`` reads the sources themselves, for ``torchsmith facts`` and for the laws.
"""
