"""The simulator as its users hold it: the `Simulator` object, the server, the admin API, the delivery of webhooks."""
