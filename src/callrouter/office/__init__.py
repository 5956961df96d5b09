"""What people do at their desks while the service runs: the shell around `desk/`, with time, SQL and SMTP."""
