"""Keras files of every age: read, described, converted to ONNX, and compared with what they were."""
