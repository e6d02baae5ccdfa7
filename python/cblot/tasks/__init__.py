"""The order of steps: from files to files, of one chip and of many."""
