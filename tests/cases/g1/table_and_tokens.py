"""Numbers and categories of a table: the layer between the two sides is a choice, its neighbours are the data's."""

import torch
from torch import nn


class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.categories = nn.Embedding(1000, 64)
        self.numbers = nn.Linear(10, 64)
        self.narrow = nn.Linear(64, 8)  # expect: G1
        self.wide = nn.Linear(8, 64)  # with the one before mended, the model passes
        self.result = nn.Linear(64, 1)

    def forward(self, numbers, categories):
        x = torch.relu(self.numbers(numbers)) + self.categories(categories)
        return self.result(torch.relu(self.wide(self.narrow(x))))


def build_model():
    return Mixed()


example_inputs = (torch.empty(4, 10), torch.zeros(4, dtype=torch.int64))
