"""Socket.IO: announcements to clients."""
