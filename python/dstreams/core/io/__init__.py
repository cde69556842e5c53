"""How do files become elements, and elements files? Texts, Hadoop's formats and settings, folders of results."""
