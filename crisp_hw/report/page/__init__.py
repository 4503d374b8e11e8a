"""Results as one page of HTML that holds all it needs: it opens from a file, without a network."""
