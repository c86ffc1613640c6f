"""Generated samples against real material: comparison, recount, verdict; numbers without prose."""
