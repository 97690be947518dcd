"""What the contracts say: one mechanism a module, nothing but rules.

A name in a rule's brackets is another rule, a term of the contract, or what is known of a practice.
``base_…`` is the practice's figure in the base year's payments file, or a term's mean in that year.
"""
