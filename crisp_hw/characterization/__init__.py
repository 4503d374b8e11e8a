"""Architecture components to energy per action."""
