"""VGG (Simonyan and Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*,
ICLR 2015, arXiv 1409.1556).
"""

from __future__ import annotations

from torch import Tensor, nn

from mac_audit.zoo import Factory

# The modules stand where torchvision has them; no key needs another name.
TORCHVISION_KEYS: tuple[tuple[str, str], ...] = ()

# Configuration D of Table 1: the widths of the 3×3 convolutions before each of the five poolings.
CONFIGURATION_D = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG16(nn.Module):
    """Thirteen 3×3 convolutions and three fully connected layers, without batch norm (Table 1, column D).

    ``(N, 3, 224, 224)`` → ``(N, num_classes)``; each max pooling halves the size, from 224 to 7.
    """

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_size = (3, 224, 224)
        layers: list[nn.Module] = []
        channels = 3
        for widths in CONFIGURATION_D:
            for width in widths:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        # No pooling at all at the paper's input size; other sizes are brought to 7×7, as in torchvision.
        self.pool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.features(x))
        logits: Tensor = self.classifier(x.flatten(1))
        return logits


MODELS: dict[str, Factory] = {"vgg16": VGG16}
