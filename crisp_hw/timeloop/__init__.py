"""The Timeloop dialect at the door: documents to nouns and back."""
