"""For all tests: a property takes the time it takes, for machines may be busy; a GPU is for the tests of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("recurra", deadline=None)
settings.load_profile("recurra")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Hide a GPU from every test, and from what it calls, but those of a file `test_gpu.py`: the others tell numbers of
    a CPU.
    """
    if item.path.name == "test_gpu.py":
        return (yield)
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        return (yield)
