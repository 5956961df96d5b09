"""The service's face over HTTP: probes, metrics and the JSON API. It looks and asks; it decides nothing."""
