"""A rule of the house, in a file that the configuration names."""

from mac_audit.profile import Profile
from mac_audit.rule import Measure, Outcome, rule


@rule("H1", "too-many-operators")
def too_many_operators(profile: Profile, *, limit: int = 8) -> Outcome:
    """A model runs few operators.

    ## Options

    * `limit`: operators that are tolerated. 8 is what our runtime launches in a millisecond.
    """
    return Measure(profile.total.operators, limit, measure="operators", unit="count")
