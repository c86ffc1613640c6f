"""Pictures of material and of numbers, in matplotlib."""
