"""Generated Dockerfiles and Compose files, built and started unchanged by a real engine."""
