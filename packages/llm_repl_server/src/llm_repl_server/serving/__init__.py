"""How an application is run for real, and while it is being worked on."""
