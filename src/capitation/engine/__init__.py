"""What makes a rule run: its language, units, terms, graph and kernel."""
