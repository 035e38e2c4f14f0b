"""Whole generations, from text or a small video to a video: diffusers pipelines."""
