"""Measures of a result against its reference, and of what it cost."""
