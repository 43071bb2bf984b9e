"""Simulated editors: `cocut load`.

plan      what is asked for
frames    the bytes of the client's side: WebSocket frames, y-websocket and Hocuspocus messages
edits     the prepared video, and the edits, made before the run
trail     what one video's editors received, each distinct frame once
editor    one simulated editor: a socket
swarm     many editors: joining, sending at a rate, leaving
documents a video's document, read and written as an editor does
verify    which edits reached which editor, and how long they took
latency   a histogram of times
usage     CPU and memory of process trees
rest      videos, members and documents over REST; tokens
run       one run from preparing to the verdict
outcome   what it found
report    the outcome for a person
command   the command line
"""
