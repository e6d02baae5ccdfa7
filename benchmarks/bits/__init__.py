"""The bits of every result: hashes to compare before and after the inside was rebuilt."""
