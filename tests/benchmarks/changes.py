"""Creates, patches and deletes: no two requests are alike, and the outcome is looked up."""

import json
import uuid
from typing import Any

from tests.benchmarks import wrk
from tests.benchmarks.images import PATCH_TYPE
from tests.benchmarks.site import Sample, Site

PATCHED = 100  # images that the patches go round
LOOKED_UP = 20  # images that are looked up after creates and deletes
CHANGES_TIMED = 200  # of the images with a short and a long history
SHORT, LONG = 10, 2000  # changes in those histories


def patch(site: Site, *, clients: int, seconds: float) -> list[Sample]:
    """Give a property of the preloaded images, in turn, a value that it never had."""
    ids = site.ids[:PATCHED]
    cell = _unique()
    plan = _patches(site, ids, cell=cell)
    sample, load = site.measure("patch", plan, clients=clients, seconds=seconds)
    _look_up_patches(site, ids, cell=cell, completed=load.completed, clients=clients)
    return [sample]


def create_and_delete(site: Site, *, clients: int, seconds: float) -> list[Sample]:
    """Create images for a while, then delete just those, so that the catalog keeps its size."""
    cell = _unique()
    made, load = site.measure("create", _creation(site, cell), clients=clients, seconds=seconds)
    found = _look_up_created(site, load, cell=cell, clients=clients)
    plan = _deletion(site, load.ids)
    gone, deleted = site.measure("delete", plan, clients=clients, seconds=10 * seconds)
    site.demand(deleted.completed == len(load.ids), f"deleted {deleted.completed} images only")
    for image_id in load.ids[:LOOKED_UP]:
        site.demand(not site.images.exists(image_id), f"{image_id} is there after its delete")
    site.images.remove(found - set(load.ids))
    return [made, gone]


def history(site: Site, *, clients: int, seconds: float) -> list[Sample]:
    """Time changes of images with 10 changes so far, and of one with 2,000.

    So that the short histories stay short, many images share those changes: each has between
    10 and 20 of them. Ends by count, whatever the seconds.
    """
    ids = [site.images.create(site.body(number, cell="history")) for number in range(21)]
    groups = {SHORT: ids[:20], LONG: ids[20:]}
    for changes, group in groups.items():
        plan = _patches(site, group, cell=_unique(), count=changes * len(group))
        site.load(plan, clients=1, seconds=wrk.CEILING_SECONDS)
    samples = []
    for changes, group in groups.items():
        plan = _patches(site, group, cell=_unique(), count=CHANGES_TIMED)
        row = f"patch-after-{changes}"
        ceiling = max(seconds, wrk.CEILING_SECONDS)
        samples.append(site.measure(row, plan, clients=clients, seconds=ceiling)[0])
    site.images.remove(ids)
    return samples


def last_patch(position: int, *, completed: int, images: int) -> int:
    """Say which patch must be the last that the image at a position in the round has seen.

    Patches are counted from 1 and go to position 0 first. 0: none has reached it.
    """
    if completed <= position:
        return 0
    return completed - (completed - 1 - position) % images


def _creation(site: Site, cell: str) -> wrk.Plan:
    own = {"name": f"bench-{site.run}-{cell}-{{n}}", "p1": "made-{n}"}
    return wrk.Plan(
        method="POST",
        path=f"{site.target.prefix}/v2/images",
        body=json.dumps(site.body(0, cell=cell) | own),
        status=201,
        needle=f'"{cell}"',
        keep_ids=True,
    )


def _deletion(site: Site, ids: tuple[str, ...]) -> wrk.Plan:
    path = f"{site.target.prefix}/v2/images/{{item}}"
    return wrk.Plan(method="DELETE", path=path, status=204, items=ids, count=len(ids))


def _patches(site: Site, ids: list[str], *, cell: str, count: int = 0) -> wrk.Plan:
    change = {"op": "replace", "path": "/p2", "value": f"{cell}-{{n}}"}
    return wrk.Plan(
        method="PATCH",
        path=f"{site.target.prefix}/v2/images/{{item}}",
        body=json.dumps([change]),
        content_type=PATCH_TYPE,
        items=tuple(ids),
        needle=f'"{cell}-',
        count=count,
    )


def _look_up_created(site: Site, load: wrk.Load, *, cell: str, clients: int) -> set[str]:
    """See that exactly what was answered is there, plus at most what was under way at the end."""
    found = {image["id"] for image in site.images.walk(f"p4={cell}")}
    made = set(load.ids)
    fits = len(made) == load.completed and made <= found and len(found - made) <= clients
    numbers = f"{load.completed} creates answered, {len(made)} ids, {len(found)} images found"
    site.demand(fits, numbers)
    for image_id in load.ids[:LOOKED_UP]:
        site.demand(_is_as_created(site, site.images.show(image_id), cell), f"shows {image_id}")
    return found


def _is_as_created(site: Site, image: dict[str, Any], cell: str) -> bool:
    wanted = site.body(0, cell=cell)
    same = ("p2", "p3", "p4", "p5", "visibility", "disk_format", "container_format")
    number = image["name"].rpartition("-")[2]
    return (
        all(image[name] == wanted[name] for name in same)
        and sorted(image["tags"]) == sorted(wanted["tags"])
        and image["p1"] == f"made-{number}"
    )


def _look_up_patches(
    site: Site, ids: list[str], *, cell: str, completed: int, clients: int
) -> None:
    """See that each image has its last value, or a newer one that was under way at the end."""
    stale = []
    for position, image_id in enumerate(ids):
        value = site.images.show(image_id)["p2"]
        seen = int(value.rpartition("-")[2]) if value.startswith(f"{cell}-") else 0
        if seen < last_patch(position, completed=completed, images=len(ids)):
            stale.append(image_id)
    # A patch still under way at the end is not counted, but a later one of another client is.
    site.demand(len(stale) < clients, f"patches were answered and lost: {stale[:5]}")


def _unique() -> str:
    return uuid.uuid4().hex[:10]
