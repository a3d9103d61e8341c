"""What the page Browse is made of: which digits, and which filters."""
