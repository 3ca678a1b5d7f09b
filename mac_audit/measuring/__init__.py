"""Running models and layers for real: calibration of a device, measurement of a model, proof of a finding."""
