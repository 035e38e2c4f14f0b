"""Properties are searched from the same starting points in every run: what passes on a commit passes again."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
