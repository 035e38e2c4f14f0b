"""The command line: `python -m cvsr upscale | generate | fit | bench | weights`."""
