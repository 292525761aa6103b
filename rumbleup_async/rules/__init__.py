"""Who may be texted, and when: the rules, and the one door at which they are asked."""
