"""REST: parse, call a service, answer. One file a resource."""
