"""What people see in a notebook: the sign-in panel, the explorer."""
