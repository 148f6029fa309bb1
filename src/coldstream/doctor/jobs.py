"""The store's background jobs, and policies of TimescaleDB beside ours."""

from __future__ import annotations

from collections.abc import Iterator

from coldstream.doctor.asked import Asked, NotLooked, check
from coldstream.doctor.kind import Found, Kind

JOB_FAILED = Kind(
    "job-failed",
    "error",
    "the last run of the job {name} ({job}) failed{problem}",
    "what it does is not done",
    "SELECT * FROM timescaledb_information.job_errors WHERE job_id = {job} ORDER BY start_time "
    "DESC",
)
JOB_OFF = Kind(
    "job-off",
    "warning",
    "the job {name} ({job}) is switched off",
    "what it does is not done",
    "SELECT alter_job({job}, scheduled => true)",
)
JOB_MISSING = Kind(
    "job-missing",
    "error",
    "the store has no job {name}",
    "chunks whose time is over are not closed, or not compressed",
    "coldstream init",
)
JOBS_NOT_RUN = Kind(
    "jobs-not-run",
    "error",
    "the job {name} ({job}) should have run at {due}",
    "TimescaleDB's scheduler does not run, or has no free worker: nothing is closed or compressed",
    "SELECT _timescaledb_functions.start_background_workers(), and look at the server's log",
)
RETENTION_POLICY = Kind(
    "retention-policy",
    "error",
    "the job {job} is a retention policy on messages",
    "it drops chunks that no archive has",
    "SELECT remove_retention_policy('{table}'); drop with coldstream drop",
)
TIERING_POLICY = Kind(
    "tiering-policy",
    "error",
    "the job {job} is a tiering policy on messages",
    "it moves chunks to where Coldstream does not look for them",
    "SELECT remove_tiering_policy('{table}'); archive with coldstream archive",
)
POLICY_BESIDE = Kind(
    "policy-beside",
    "warning",
    "the job {job} runs {name} on messages, and is not the store's",
    "it locks chunks and writes them anew while the lifecycle works with them",
    "SELECT delete_job({job})",
)


@check("background jobs", engine="timescale")
def of_store(asked: Asked) -> Iterator[Found]:
    if asked.is_standby:
        raise NotLooked("jobs run on the primary")
    there = set()
    for job, name, is_on, status, due, is_late, is_ours, problem in asked.rows(
        "doctor_jobs", [asked.limits.late_job]
    ):
        if not is_ours:
            continue
        there.add(name)
        if not is_on:
            yield JOB_OFF(name=name, job=job)
        elif status == "Failed":
            yield JOB_FAILED(name=name, job=job, problem=f": {problem}" if problem else "")
        elif is_late:
            yield JOBS_NOT_RUN(name=name, job=job, due=due)
    wanted = ["close_ended_chunks", "compress_ended_chunks"] if asked.edition != "apache" else []
    for name in wanted:
        if name not in there:
            yield JOB_MISSING(name=name)


@check("policies beside the store's", engine="timescale")
def beside(asked: Asked) -> Iterator[Found]:
    for job, name, *_, is_ours, _ in asked.rows("doctor_jobs", [asked.limits.late_job]):
        table = f"{asked.schema}.messages"
        if name == "policy_retention":
            yield RETENTION_POLICY(job=job, table=table)
        elif name in ("policy_tiering", "tiering_policy", "policy_tier_chunks"):
            yield TIERING_POLICY(job=job, table=table)
        elif not is_ours:
            yield POLICY_BESIDE(job=job, name=name)
