"""The command line: ``cblot blot``, ``cblot params``, ``cblot demo``."""
