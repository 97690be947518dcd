"""The reference workloads, our runs of them, and those of the peers."""
