"""What the page Evaluate shows of a run, one look a module."""
