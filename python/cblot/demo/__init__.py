"""A worked example, cosmic rays in four synthetic exposures; behind ``cblot demo``."""
