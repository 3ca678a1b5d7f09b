# outcome: 2
from __future__ import braces
