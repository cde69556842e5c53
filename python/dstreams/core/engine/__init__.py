"""How does the package live with the process, the settings and the engine? What contexts and jobs need of all three."""
