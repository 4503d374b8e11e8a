"""Answers as values, and their texts: tables, remarks, records; for the screen, markdown, CSV and JSON."""
