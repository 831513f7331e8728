"""What ships besides the models: catalogue, sample, schemas, and a page of the songs."""
