"""The link to Asterisk: AMI messages in, the router's events out; the router's orders in, AMI actions out."""
