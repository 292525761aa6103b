"""How a run gets on, shown to people and programs: the live page, and the numbers behind it. It reads ledgers and hears events;
nothing that sends knows of it."""
