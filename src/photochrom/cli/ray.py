"""The cluster that a command line asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..archive.ray.driver import Share
from ..errors import ArgumentError

if TYPE_CHECKING:
    from ..archive.ray.film_workers import RayFilms
    from ..archive.ray.pool import RayPool
    from ..archive.task import Work


@dataclass(frozen=True)
class Ray:
    """A Ray cluster.

    Attributes:
        address: of --ray.
        share: what each worker takes, of --ray-cpus and --ray-gpus.
    """

    address: str
    share: Share = field(default_factory=Share)

    @classmethod
    def asked(cls, address: str | None, cpus: float | None, gpus: float | None) -> Ray | None:
        """The one that the options ask for; None: this machine alone.

        Raises:
            ArgumentError: a share of no cluster, or one out of range.
        """
        if address is not None:
            return cls(address, Share(1 if cpus is None else cpus, gpus or 0))
        given = ["--ray-cpus"] * (cpus is not None) + ["--ray-gpus"] * (gpus is not None)
        if given:
            raise ArgumentError(
                f"{' and '.join(given)} cannot be used",
                expected="--ray with them, for they are about a cluster's workers",
                got="no --ray",
                fix="add --ray auto, or leave them out",
            )
        return None

    def pool(self, work: Work) -> RayPool:
        """Workers for pictures."""
        from ..archive.ray.pool import RayPool

        return RayPool(work, self.address, self.share)

    def films(self) -> RayFilms:
        """Workers for films."""
        from ..archive.ray.film_workers import RayFilms

        return RayFilms(self.address, self.share)
