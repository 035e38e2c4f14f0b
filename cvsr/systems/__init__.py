"""The systems: one file a paper, which composes parts and carries no maths."""
