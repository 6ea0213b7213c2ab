"""A notebook of a server that runs elsewhere, as the terminal's target: over REST and Socket.IO."""
