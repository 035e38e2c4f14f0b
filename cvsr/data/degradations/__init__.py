"""What a video suffers before super-resolution sees it: one kind of damage a file, and a pipeline of them."""
