"""Training: corpora, augmentation, teachers, and a loop on PyTorch."""
