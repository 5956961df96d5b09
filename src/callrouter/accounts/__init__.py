"""Who may do what with the pages: accounts, their roles, passwords and sessions. Knows nothing of pages or calls."""
