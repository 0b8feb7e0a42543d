"""Every error that a user can cause or correct, in one tree.

::

    PoseAuditError                 exit code
    ├── UsageError                 2   the command line asks for something impossible
    │   └── ConfigError            2   audit.toml or an option has a key or value that is not understood
    ├── DataError                  3   the data cannot be used as they are
    │   ├── SourceError            3   nothing readable at the place named
    │   ├── TableError             3   a table breaks its schema
    │   ├── TooFewDataError        3   readable, but not enough to audit
    │   └── BundleError            3   a model bundle is damaged or does not fit the data
    └── StageError                 4   a stage that is needed is missing or stale
        ├── WorkspaceError         4   a file of the workspace cannot be read or written
        └── ConflictError          4   others have written since (pipeline/review/events.py, with what they wrote)

A message says what is wrong and where (file, place, value); ``hint`` says the way out. Anything else that escapes is a bug
and ends with exit code 1.
"""


class PoseAuditError(Exception):
    """An expected error: a message, a way out, and the exit code of the command that met it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process."""
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[PoseAuditError], message: str, hint: str) -> PoseAuditError:
    return kind(message, hint=hint)


class UsageError(PoseAuditError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ConfigError(UsageError):
    """A key or value of the configuration is not understood."""


class DataError(PoseAuditError):
    """The data cannot be used as they are."""

    exit_code = 3


class SourceError(DataError):
    """Nothing readable lies at the place that was named."""


class TableError(DataError):
    """A table breaks its schema."""


class TooFewDataError(DataError):
    """The data are readable, but too few to audit."""


class BundleError(DataError):
    """A model bundle is damaged or does not fit the data."""


class StageError(PoseAuditError):
    """A stage whose result is needed is missing or stale."""

    exit_code = 4


class WorkspaceError(StageError):
    """A file of the workspace cannot be read or written."""
