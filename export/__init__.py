"""Training, Keras to ONNX, quantisation, and the building of the catalogue. Needs the extra `[export]`."""
