"""The face of the server: REST, the Yjs WebSocket, identity, permissions, limits, errors."""
