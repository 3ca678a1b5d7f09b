# outcome: 2 has a syntax error
from __future__ import braces
