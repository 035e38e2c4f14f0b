"""The networks: autoencoder, video transformer and its parts, text encoder."""
