"""Lightning around the plain modules: what to minimise, on which data, for how long."""
