"""The exact search: templates whose traffic is a product over dimensions, dominance, joins, branch and bound."""
