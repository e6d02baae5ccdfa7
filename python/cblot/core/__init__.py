"""The core and what it takes: callers' arrays, sources, one run, the machine. No WCS, no files."""
