"""The guidelines of the ShuffleNetV2 paper, one a file; installed as ``mac_audit.rules``."""
