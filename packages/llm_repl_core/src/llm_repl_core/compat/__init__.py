"""What has to know the insides of a library: one file each, and a test that names what it uses."""
