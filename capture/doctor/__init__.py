"""`obverse doctor`: a site and the machine it is to run on -> what is well, what is not, and how to mend it.

It looks and asks. What cannot be found out from here is said so, and is no fault.
"""

from __future__ import annotations

from capture.doctor.findings import Finding

__all__ = ["Finding"]
