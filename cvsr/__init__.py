"""cvsr: cascaded video super-resolution, rebuilt from interchangeable parts to be read, run and changed."""
