"""The routes beside Streamlit's own, in the same process and on the same port: saving, pictures, next and similar clips.

All want the token that the page got with its data (see :mod:`audit_app.tokens`); that only pages of this server ask is seen to
before them (see :mod:`audit_app.guard`).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from audit_app.clip_facts import clip_behind, clip_facts
from audit_app.error_display import without_folders
from audit_app.pictures import DisplayPictures
from audit_app.request_body import read_body
from audit_app.tokens import EVERY_STREAM, Permit, secret_of, verify
from data_schemas.errors import PoseAuditError, SourceError, StageError, UsageError
from pipeline.review.events import Commit, ConflictError, operation_from_json, operation_to_json
from pipeline.review.store import ReviewStore
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

COMMIT_ROUTE, PICTURE_ROUTE = "/audit/commit", "/audit/picture"
NEXT_ROUTE, SIMILAR_ROUTE = "/audit/next", "/audit/similar"

OfSegment = Callable[..., Any]
"""As :func:`audit_app.review_clip.clip_after` and :func:`audit_app.review_clip.clips_like`."""

_LARGEST_COMMIT = 8 * 2**20
_LONGEST_SHOWN = 20
_FRAME = re.compile(r"[0-9]{1,18}")
_STATUS: dict[type[PoseAuditError], HTTPStatus] = {UsageError: HTTPStatus.FORBIDDEN, SourceError: HTTPStatus.NOT_FOUND}
_RELOAD = "reload the page; what you painted is kept in this browser"


def routes(
    workspace: Path, *, database: str = "", clip_after: OfSegment | None = None, clips_like: OfSegment | None = None
) -> list[Route]:
    """Return the routes for ``st.App(script, routes=...)``.

    Parameters
    ----------
    database
        ``review.database`` of audit.toml: empty is review.db of the workspace.
    clip_after
        Gives the clip that comes next in the queue; without it the page learns that there is none.
    clips_like
        Gives the clips that look like a segment; the same.
    """
    server = _Server(workspace.resolve(), database)
    # What is no coroutine, Starlette calls in a thread.
    return [
        Route(prefixed(COMMIT_ROUTE), server.commit, methods=["POST"]),
        Route(prefixed(PICTURE_ROUTE), server.picture, methods=["GET"]),
        Route(prefixed(NEXT_ROUTE), partial(server.of_segment, clip_after), methods=["GET"]),
        Route(prefixed(SIMILAR_ROUTE), partial(server.of_segment, clips_like), methods=["GET"]),
    ]


def prefixed(route: str) -> str:
    """Return a route below the path that Streamlit itself is served under."""
    return base_path() + route


def base_path() -> str:
    """Return the path that Streamlit is served under, empty or with a slash before it and none behind."""
    from streamlit import config

    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


class _Server:
    def __init__(self, workspace: Path, database: str) -> None:
        self._workspace = workspace
        self._database = database
        self._store = cache(self._opened)
        self._pictures = cache(self._pictures_of)

    async def commit(self, request: Request) -> Response:
        """Store what a page did; the answer is the receipt, or says why nothing was stored."""
        body = await read_body(request, most_bytes=_LARGEST_COMMIT)
        if body is None:
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {_LARGEST_COMMIT:,} bytes", _RELOAD)
        return await run_in_threadpool(self._commit, body)

    def of_segment(self, look_up: OfSegment | None, request: Request) -> Response:
        """Return what is looked up for a segment in JSON, and nothing where nothing is found."""
        wanted = dict(request.query_params)
        try:
            permit = self._permit(request.headers.get("x-audit-token", ""))
            run = self._run(permit.run_id).path
            found = look_up and look_up(run, permit, segment_id=wanted.pop("from", ""), query=wanted)
        except PoseAuditError as error:
            return _refused(error)
        headers = {"Cache-Control": "no-store"}
        return JSONResponse(found, headers=headers) if found else Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)

    def _commit(self, body: bytes) -> Response:
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            return _refusal(HTTPStatus.BAD_REQUEST, f"not JSON: {error}", _RELOAD)
        if not isinstance(message, dict):
            return _refusal(HTTPStatus.BAD_REQUEST, "expected an object", _RELOAD)
        try:
            permit = self._permit(str(message.get("token")))
        except PoseAuditError as error:
            return _refused(error)
        stream = str(message.get("stream"))
        if permit.stream not in (stream, EVERY_STREAM):
            return _refusal(HTTPStatus.FORBIDDEN, f"the token is for stream {permit.stream!r}", _RELOAD)
        permit = replace(permit, stream=stream)
        try:
            receipt = self._store().commit(self._meant(message, permit))
        except ConflictError as error:
            classes = [str(c) for c in message["classes"]]
            classes += sorted({s.label for o in error.operations for s in o.spans if s.label} - set(classes))
            stored = [operation_to_json(o, classes) for o in error.operations]
            answer = {"error": "conflict", "revision": error.revision, "operations": stored, "classes": classes}
            return JSONResponse({**answer, "hint": error.hint}, HTTPStatus.CONFLICT)
        except PoseAuditError as error:
            # What went wrong with a blind clip must not tell its name.
            message_shown = error.message if not permit.stream.startswith("blind:") else "the acts do not fit the clip"
            status = HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, StageError) else HTTPStatus.BAD_REQUEST
            return _refusal(status, message_shown, error.hint)
        return JSONResponse(
            {"revision": receipt.revision, "sequence": receipt.sequence, "acknowledged": list(receipt.acknowledged)}
        )

    def _meant(self, message: Mapping[str, Any], permit: Permit) -> Commit:
        """Return the commit that a message stands for."""
        clip_id, classes, operations = message.get("clip_id"), message.get("classes"), message.get("operations")
        if not (isinstance(clip_id, str) and isinstance(classes, list) and isinstance(operations, list)):
            raise UsageError("clip_id, classes or operations are missing", hint=_RELOAD)
        names = [str(c) for c in classes]
        run = self._run(permit.run_id).path
        clip_id = self._clip(clip_id, run, permit)
        facts = clip_facts(run, clip_id)
        return Commit(
            run_id=permit.run_id,
            reviewer=permit.reviewer,
            stream=permit.stream,
            clip_id=clip_id,
            base_revision=_count(message, "base_revision"),
            sequence=_count(message, "sequence"),
            operations=tuple(operation_from_json(o, names) for o in operations),
            state=_state(message.get("state")),
            classes=tuple(names),
            frame_numbers=facts.frame_numbers,
            given=facts.given,
        )

    def picture(self, request: Request) -> Response:
        """Return one frame's picture as JPEG; ``X-Source-Size`` tells the size that keypoints are measured in."""
        wanted = request.query_params
        frame = wanted.get("frame", "")
        if not _FRAME.fullmatch(frame):
            return _refusal(HTTPStatus.BAD_REQUEST, f"frame is {frame[:_LONGEST_SHOWN]!r}", "give the number of a frame")
        try:
            permit = self._permit(request.headers.get("x-audit-token") or wanted.get("token", ""))
            run = self._run(permit.run_id)
            facts = clip_facts(run.path, self._clip(wanted.get("clip", ""), run.path, permit))
            image = facts.images.get(int(frame))
            if image is None:
                return _refusal(HTTPStatus.NOT_FOUND, f"frame {frame} has no picture", "")
            picture = self._pictures(run.path).get(image)
        except PoseAuditError as error:
            return _refused(error)
        width, height = facts.video or (picture.width, picture.height)
        headers = {"X-Source-Size": f"{width}x{height}", "Cache-Control": "private, max-age=86400"}
        return Response(picture.jpeg, media_type="image/jpeg", headers={**headers, "X-Content-Type-Options": "nosniff"})

    def _permit(self, token: str) -> Permit:
        return verify(secret_of(self._workspace), token)

    def _clip(self, name: str, run: Path, permit: Permit) -> str:
        """Return the clip that a page means: blind, it knows an alias only."""
        return clip_behind(name, run, secret_of(self._workspace)) if permit.stream.startswith("blind:") else name

    def _run(self, run_id: str) -> RunFolder:
        """Return the run that a page shows; its name comes from a signed token and is still looked up, never joined."""
        for path in Workspace(self._workspace).runs.glob("*/run.json"):
            if path.parent.name == run_id and not path.parent.is_symlink():
                return RunFolder(path.parent)
        raise UsageError(f"run {run_id!r} is gone", hint=_RELOAD)

    def _opened(self) -> ReviewStore:
        return ReviewStore.open(self._database or self._workspace / "review.db")

    def _pictures_of(self, run: Path) -> DisplayPictures:
        source = Path(str(RunFolder(run).record().get("source", "")))
        return DisplayPictures(source, self._workspace / ".cache" / "pictures")


def _count(message: Mapping[str, Any], key: str) -> int:
    value = message.get(key)
    if type(value) is not int or value < 0:
        raise UsageError(f"{key} is {value!r}", hint=_RELOAD)
    return value


def _state(text: Any) -> NDArray[np.int16] | None:
    if text is None:
        return None
    try:
        return np.frombuffer(base64.b64decode(str(text), validate=True), "<i2").astype(np.int16)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"the state cannot be read: {error}", hint=_RELOAD) from error


def _refused(error: PoseAuditError) -> Response:
    """Return the answer to a request that could not be served: not allowed, nothing there, or to be tried again."""
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), HTTPStatus.SERVICE_UNAVAILABLE)
    return _refusal(status, error.message, error.hint)


def _refusal(status: HTTPStatus, error: str, hint: str) -> Response:
    return JSONResponse({"error": without_folders(error), "hint": without_folders(hint)}, status)
