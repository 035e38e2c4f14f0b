"""What the models are worth: whole measurements on held-out data, and the files that keep their results."""
