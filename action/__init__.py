"""The GitHub Action's own part: what an event asks, the log of a failed run, the comment. Standard library only.

``action.yml`` runs it between its steps; ``python -m torchsmith explain --format github`` gives the answer itself.
"""
