"""What package managers make of a project: indexes, sources, extras, locks, caches."""
