"""Edits of a document by the server: what REST and Socket.IO ask for. Rules E1 to E12 of SPEC.md.

Each function checks the values that it is given (raising `InvalidEdit`) and returns an
`collab.ports.Edit`, which looks at the document, raises what stands against the change, and only
then changes it. An edit that changes nothing writes nothing.

Fields are passed as a mapping of those that were given, named and valued as in the REST API.
"""

from __future__ import annotations

from collab.edits.layers import create_layer, delete_layer, reorder_layers, update_layer
from collab.edits.restore import restore
from collab.edits.scenes import create_scene, delete_scene, reorder_scenes, update_scene
from collab.edits.video import initial_update, update_video

__all__ = [
    "create_layer",
    "create_scene",
    "delete_layer",
    "delete_scene",
    "initial_update",
    "reorder_layers",
    "reorder_scenes",
    "restore",
    "update_layer",
    "update_scene",
    "update_video",
]
