"""What the site shows beside docs/: pages that are made, and links that are led to where their targets are."""
