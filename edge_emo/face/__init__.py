"""Emotion in a face."""
