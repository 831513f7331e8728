"""A camera and a microphone, for weeks, with nobody looking after it."""
