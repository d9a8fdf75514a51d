"""What a complaint points at where facts decide between causes: one symptom, one file."""
