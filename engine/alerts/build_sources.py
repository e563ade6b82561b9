"""GitHub, GitLab, Gitea, Bitbucket, Jenkins, CircleCI, HCP Terraform: what builds and deploys.

Only what went wrong, and its repair, is an alert; every event is still on the webhook's own trigger.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.alerts.reading import digest, labels, text
from engine.records.alert import Alert, AlertStatus, Severity

_FAILED = frozenset({"failure", "failed", "timed_out", "startup_failure", "error", "errored", "aborted"})
_PASSED = frozenset({"success", "succeeded", "passed", "fixed", "applied", "planned_and_finished"})


def github(body: Any, headers: Mapping[str, str]) -> Iterator[Alert]:
    """Workflow runs, check suites and deployments that ended, by branch."""
    kind = headers.get("x-github-event") or headers.get("x-gitea-event") or "workflow_run"
    where = "deployment_status" if kind == "deployment_status" else kind
    if kind not in ("workflow_run", "check_suite", "deployment_status"):
        return
    ended = text(body, f"{where}.conclusion", f"{where}.state").lower()
    repository = text(body, "repository.full_name")
    branch = text(body, f"{where}.head_branch", "deployment.ref")
    name = text(body, f"{where}.name", "deployment.environment", f"{where}.app.name") or kind
    yield from _build(
        "github",
        ended,
        where=repository,
        what=name,
        branch=branch,
        commit=text(body, f"{where}.head_sha", "deployment.sha"),
        by=text(body, "sender.login"),
        link=text(body, f"{where}.html_url", f"{where}.target_url", "repository.html_url"),
        started_at=text(body, f"{where}.run_started_at", f"{where}.created_at"),
    )


def gitlab(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Pipelines and deployments."""
    kind = text(body, "object_kind")
    if kind not in ("pipeline", "deployment"):
        return
    place = "object_attributes." if kind == "pipeline" else ""
    yield from _build(
        "gitlab",
        text(body, f"{place}status").lower(),
        where=text(body, "project.path_with_namespace"),
        what=kind,
        branch=text(body, f"{place}ref"),
        commit=text(body, f"{place}sha", "short_sha"),
        by=text(body, "user.username", "user.name"),
        link=text(body, f"{place}url", "deployable_url", "project.web_url"),
        started_at=text(body, f"{place}created_at", "status_changed_at"),
    )


def bitbucket(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Build results of commits."""
    state = text(body, "commit_status.state").lower()
    yield from _build(
        "bitbucket",
        {"successful": "success", "stopped": "aborted"}.get(state, state),
        where=text(body, "repository.full_name"),
        what=text(body, "commit_status.name", "commit_status.key"),
        branch=text(body, "commit_status.refname"),
        commit=text(body, "commit_status.commit.hash"),
        by=text(body, "actor.nickname", "actor.display_name"),
        link=text(body, "commit_status.url"),
        started_at=text(body, "commit_status.created_on"),
    )


def jenkins(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """The Notification plugin, and the Outbound Webhook plugin."""
    phase = text(body, "build.phase")
    # It tells of each build three times; the last one repeats the one before.
    if phase and phase != "COMPLETED":
        return
    ended = text(body, "build.status", "event").lower()
    yield from _build(
        "jenkins",
        ended,
        where=text(body, "name", "projectName"),
        what=f"build {text(body, 'build.number', 'buildName').lstrip('#')}".strip(),
        branch=text(body, "build.scm.branch"),
        commit=text(body, "build.scm.commit"),
        link=text(body, "build.full_url", "buildUrl"),
        keep=("where", "branch"),
    )


def circleci(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Workflows that ended."""
    if text(body, "type") not in ("workflow-completed", "job-completed"):
        return
    part = "job" if text(body, "type") == "job-completed" else "workflow"
    yield from _build(
        "circleci",
        text(body, f"{part}.status").lower(),
        where=text(body, "project.slug", "project.name"),
        what=text(body, f"{part}.name"),
        branch=text(body, "pipeline.vcs.branch"),
        commit=text(body, "pipeline.vcs.revision"),
        link=text(body, "workflow.url"),
        started_at=text(body, f"{part}.started_at", f"{part}.created_at"),
    )


def terraform(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """HCP Terraform runs."""
    ended = text(body, "notifications.0.run_status").lower()
    yield from _build(
        "terraform",
        ended,
        where=f"{text(body, 'organization_name')}/{text(body, 'workspace_name')}".strip("/"),
        what="run",
        by=text(body, "run_created_by", "notifications.0.run_updated_by"),
        link=text(body, "run_url"),
        words=text(body, "notifications.0.message", "run_message"),
        started_at=text(body, "run_created_at"),
    )


def _build(
    source: str,
    ended: str,
    *,
    where: str,
    what: str,
    branch: str = "",
    commit: str = "",
    by: str = "",
    link: str = "",
    words: str = "",
    started_at: str = "",
    keep: tuple[str, ...] = ("where", "what", "branch"),
) -> Iterator[Alert]:
    """One alert per place, thing and branch: the next good run resolves it."""
    is_unstable = ended == "unstable"
    if ended not in _FAILED | _PASSED and not is_unstable:
        return
    parts = {"where": where, "what": what, "branch": branch}
    on = f" on {branch}" if branch else ""
    yield Alert(
        source=source,
        fingerprint=digest(*(parts[name] for name in keep)),
        status=AlertStatus.RESOLVED if ended in _PASSED else AlertStatus.FIRING,
        severity=Severity.WARNING if is_unstable else Severity.ERROR,
        title=f"{where}: {what} {ended.replace('_', ' ')}{on}",
        text=words or (f"commit {commit[:8]}" + (f" by {by}" if by else "") if commit else by),
        labels=labels(project=where, branch=branch, commit=commit[:12], by=by, result=ended),
        links=labels(source=link),
        group=where,
        started_at=started_at,
    )
