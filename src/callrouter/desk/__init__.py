"""What people do beside routing: callbacks, results, guides, e-mail, places. Plain rules without I/O or clock."""
