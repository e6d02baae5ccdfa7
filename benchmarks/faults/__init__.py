"""What cblot, drizzlepac and drizzle do with odd and bad input, each case in a process of its own.

``python -m benchmarks.faults`` prints a table; ``--write docs/faults.md`` writes the page;
``--check`` fails where cblot is neither right nor says clearly what is wrong.
"""
