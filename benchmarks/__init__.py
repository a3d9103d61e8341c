"""What is measured of Digit Lab, one script each; README.md has the results."""
