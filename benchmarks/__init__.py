"""Benchmarks against the peers; run them from the project's root."""
