import torch

from cnnviz_desktop.engine.threads import use_threads


def test_a_number_of_threads_and_back_to_the_usual_one():
    before = torch.get_num_threads()
    use_threads(1)
    assert torch.get_num_threads() == 1
    use_threads(3)
    assert torch.get_num_threads() == 3
    use_threads(0)
    assert torch.get_num_threads() == before
