"""What a job does: a Python call, a command, or the sidecar of a media file."""
