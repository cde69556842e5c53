"""What is an RDD made of? Its operations by kind, its lineage, and what runs in tasks for them."""
