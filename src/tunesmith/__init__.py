"""The whole life of a fine-tuned model: from a file to a proven, served model."""
