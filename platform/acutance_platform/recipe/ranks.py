"""How many processes train one recipe together, and what keeps them from it."""

from acutance_platform.recipe.chain import Link
from acutance_platform.recipe.errors import Problem
from acutance_platform.recipe.schema import Recipe, Resources


def rank_count(resources: Resources) -> int:
    """Return how many processes train together; 1 where nothing is said and GPUs are shared."""
    if resources.ranks is not None:
        return resources.ranks
    return 1 if resources.gpu == "auto" else max(1, int(resources.gpu))


def rank_threads(resources: Resources) -> int:
    """Return the threads of each of these processes."""
    return max(1, resources.cpu // rank_count(resources))


def rank_problems(recipe: Recipe) -> list[Problem]:
    """Return what does not go together in the resources that a recipe asks for."""
    resources, ranks = recipe.resources, rank_count(recipe.resources)
    gpu = resources.gpu
    place, value = ("gpu", str(gpu)) if resources.ranks is None else ("ranks", str(ranks))
    if gpu != "auto" and gpu > 1 and gpu != int(gpu):
        rule = "above one, GPUs are counted whole: each has a rank of its own"
        return [Problem("resources.gpu", f"{gpu:g}", rule, f"Write {int(gpu)} or {int(gpu) + 1}.")]
    if ranks == 1 and (gpu == "auto" or gpu <= 1):
        return []
    if gpu not in ("auto", 0, ranks):
        rule = f"each rank has a GPU of its own, and gpu is {gpu:g}"
        way_out = f"Write gpu: {ranks}, or leave out ranks."
        return [Problem("resources.ranks", str(ranks), rule, way_out)]
    if recipe.zero_shot is not None:
        rule = "zero_shot trains a network per picture, without batches that ranks could share"
        return [Problem(f"resources.{place}", value, rule, "Write gpu: 1, or leave out ranks.")]
    if gpu in ("auto", 0) and resources.cpu % ranks:
        rule = f"each of {ranks} ranks has equally many threads of its own"
        more = (resources.cpu // ranks + 1) * ranks
        return [Problem("resources.cpu", str(resources.cpu), rule, f"Write {more}.")]
    return []


def part_problems(link: Link) -> list[Problem]:
    """Return why the batches of a stage cannot be divided among the ranks."""
    data, ranks = link.recipe.data, rank_count(link.recipe.resources)
    if data.batch % ranks == 0:
        return []
    own = link.stage.data.batch is not None
    place = f"stages.{link.name}.data.batch" if own else "data.batch"
    rule = f"each of {ranks} ranks computes equally many crops of a batch"
    fewer, more = data.batch // ranks * ranks, (data.batch // ranks + 1) * ranks
    way_out = f"Write {f'{fewer} or ' if fewer else ''}{more}, or train on one device (gpu: 1)."
    return [Problem(place, str(data.batch), rule, way_out)]
