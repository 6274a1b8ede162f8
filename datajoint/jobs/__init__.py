"""Queues that any number of workers share: who computes which key, and what became of it.

`states` says what can happen to a job, `layout` what a queue's table looks like, `queue` has the statements on it.
`registry` knows workers and their leases, `worker` is one of them, `claiming`, `finishing` and `takeover` are what it does.
"""

from datajoint.jobs.job import Job
from datajoint.jobs.layout import ERROR_MESSAGE_LENGTH, TRUNCATION_APPENDIX

__all__ = ["ERROR_MESSAGE_LENGTH", "TRUNCATION_APPENDIX", "Job"]
