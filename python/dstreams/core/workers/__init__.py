"""How do functions run in processes of their own? Who starts them, what they do, and what travels."""
