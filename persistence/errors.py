"""What can be wrong with the place where things are kept.

CocutError
└── StorageError
    ├── DataDirectoryInUse       another server holds this data directory
    ├── EmbeddedPostgresFailed   the embedded PostgreSQL could not be created, started or stopped
    ├── DatabaseRefused          PostgreSQL is there, but does not let us in or is too old
    ├── SchemaTooNew             the database was migrated by a newer version of the program
    ├── CompactionRefused        a snapshot would lose something; the log is kept as it is
    ├── ChildFailed              a process that works on documents died
    │   └── CompactionFailed     the one that makes snapshots; nothing was trimmed
    ├── JournalCorrupt           the journal is damaged in a place where no crash explains it
    └── BlobStoreFailed          the place of the stored files does not take or give them
"""

from __future__ import annotations

from collab.errors import CocutError


class StorageError(CocutError):
    """Something is wrong with the place where things are kept."""

    code = "storage"


class DataDirectoryInUse(StorageError):
    """Another server holds this data directory."""

    code = "data_directory_in_use"


class EmbeddedPostgresFailed(StorageError):
    """The embedded PostgreSQL could not be created, started or stopped."""

    code = "embedded_postgres"


class DatabaseRefused(StorageError):
    """PostgreSQL answers, but does not let us in or is too old."""

    code = "database_refused"


class SchemaTooNew(StorageError):
    """The database was migrated by a newer version of the program."""

    code = "schema_too_new"


class JournalCorrupt(StorageError):
    """The journal is damaged in a place where no crash explains it."""

    code = "journal_corrupt"


class CompactionRefused(StorageError):
    """A snapshot would lose something; the log is kept as it is."""

    code = "compaction_refused"


class ChildFailed(StorageError):
    """A process that works on documents died, or something unexpected happened in it."""

    code = "child_failed"


class CompactionFailed(ChildFailed):
    """The process that makes snapshots died; nothing was trimmed."""

    code = "compaction_failed"


class BlobStoreFailed(StorageError):
    """The place where files are stored does not take or give them."""

    code = "blob_store"
