"""An image and a sound, each with a tower of its own: two inputs need two paths."""

import torch
from torch import nn


class Towers(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.Conv2d(64, 128, 3, stride=2, padding=1),
        )
        self.sound = nn.Sequential(
            nn.Conv1d(1, 64, 9, stride=4),
            nn.Conv1d(64, 128, 9, stride=4),
            nn.Conv1d(128, 128, 9, stride=4),
        )

    def forward(self, image, sound):
        # Nothing here reads what something else reads: there is nothing to merge, and no block that is fragmented.
        return self.image(image).mean((2, 3)) * self.sound(sound).mean(2)  # todo: no G3


def build_model():
    return Towers()


example_inputs = {"image": torch.empty(1, 3, 64, 64), "sound": torch.empty(1, 1, 2000)}
