"""NVSwitch, MIG, schedulers, permissions."""
