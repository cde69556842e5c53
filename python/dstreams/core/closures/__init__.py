"""How do functions of the program become copies that tasks may use, and what is known of the objects in them?"""
