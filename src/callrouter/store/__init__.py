"""What must last, in SQL."""
