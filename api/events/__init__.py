"""The door for event listeners: Socket.IO on `/socket.io/`.

wire      the library, with what it lacks: limits, and frames that are made once for all
door      who is connected, who has joined what, and what they ask for
requests  which route each event that comes in stands for
feed      what changed in a video, to those who have joined it, at a pace
payloads  the events that tell of changes
jobs      the events that tell of jobs
"""
