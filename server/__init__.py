"""The processes: settings, composition root, command line, the hub that keeps the rooms."""
