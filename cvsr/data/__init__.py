"""Videos in and out, and data: the procedural world, its tasks, degradations and latents."""
