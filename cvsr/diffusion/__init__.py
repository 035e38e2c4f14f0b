"""The theory of rectified-flow diffusion, without any network."""
