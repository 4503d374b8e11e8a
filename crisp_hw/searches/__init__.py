"""Searches of mapspaces that are not done twice: what was found is kept on disk, what was not is spread over cores."""
