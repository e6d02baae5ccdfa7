"""The file task's parameters, in the files that teal looks for."""
