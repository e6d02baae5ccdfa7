"""What no process that forks may leave to its child half done: locks, imports, silence."""
