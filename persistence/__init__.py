"""Every byte that outlives the process."""
