"""Tests of the simulator, over real TCP and with nothing of the client."""
