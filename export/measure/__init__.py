"""What a network is worth: gates, timings, and scores on labelled inputs."""
