"""The shared document and everything true about it without a network, a database or a clock."""
