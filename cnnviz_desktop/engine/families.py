"""Tell a network's family and the year of the paper that described it, by its name."""

from __future__ import annotations

import re

# The first that fits the beginning of a name counts: the narrower stand before the wider. Families
# that no paper describes have no year.
FAMILIES: tuple[tuple[str, str, int | None], ...] = (
    ("bundled", "CNNviz", None),
    ("alexnet", "AlexNet", 2012),
    ("convformer", "ConvFormer", 2022),
    ("convmixer", "ConvMixer", 2022),
    ("convnextv2", "ConvNeXt V2", 2023),
    ("convnext", "ConvNeXt", 2022),
    ("cspnext", "CSPNeXt", 2022),
    ("csp|cs3", "CSPNet", 2019),
    ("darknet|sedarknet", "Darknet", 2018),
    ("densenet", "DenseNet", 2016),
    ("dla", "DLA", 2017),
    ("dm_nfnet|eca_nfnet|nfnet", "NFNet", 2021),
    ("nf_", "NF-ResNet", 2021),
    ("dpn", "DPN", 2017),
    ("eca_vovnet|ese_vovnet|vovnet", "VoVNet", 2019),
    ("eca_?resne[xt]", "ECA-Net", 2019),
    ("(tf_|gc_)?efficientnet_?v2", "EfficientNet V2", 2021),
    ("(tf_)?efficientnet", "EfficientNet", 2019),
    ("fasternet", "FasterNet", 2023),
    ("fastvit", "FastViT", 2023),
    ("fbnetv3", "FBNet V3", 2020),
    ("fbnet", "FBNet", 2018),
    ("focalnet", "FocalNet", 2022),
    ("gcresne[xt]", "GCNet", 2019),
    ("gernet", "GENet", 2020),
    ("ghostnetv3", "GhostNet V3", 2024),
    ("ghostnetv2", "GhostNet V2", 2022),
    ("ghostnet", "GhostNet", 2019),
    ("googlenet", "GoogLeNet", 2014),
    ("hardcorenas", "HardCoRe-NAS", 2021),
    ("hgnetv2", "PP-HGNet V2", None),
    ("hgnet", "PP-HGNet", None),
    ("hrnet", "HRNet", 2019),
    ("inception_next", "InceptionNeXt", 2023),
    ("inception_resnet_v2|inception_v4", "Inception V4", 2016),
    ("inception_v3", "Inception V3", 2015),
    ("lcnetv2", "PP-LCNet V2", None),
    ("lcnet", "PP-LCNet", 2021),
    ("maxvit", "MaxViT", 2022),
    ("(tf_)?mixnet", "MixNet", 2019),
    ("mnasnet|semnasnet", "MnasNet", 2018),
    ("mobilenet_edgetpu", "MobileNet EdgeTPU", None),
    ("mobilenetv1", "MobileNet", 2017),
    ("mobilenet_?v2", "MobileNet V2", 2018),
    ("(tf_)?mobilenet_?v3", "MobileNet V3", 2019),
    ("mobilenetv4", "MobileNet V4", 2024),
    ("mobileone", "MobileOne", 2022),
    ("nasnet", "NASNet", 2017),
    ("pnasnet", "PNASNet", 2017),
    ("poolformerv2", "PoolFormer V2", 2022),
    ("poolformer", "PoolFormer", 2021),
    ("rdnet", "RDNet", 2024),
    ("regnet", "RegNet", 2020),
    ("repghostnet", "RepGhost", 2022),
    ("repvgg", "RepVGG", 2021),
    ("repvit", "RepViT", 2023),
    ("res2ne[xt]", "Res2Net", 2019),
    ("resnest", "ResNeSt", 2020),
    ("resnetrs", "ResNet-RS", 2021),
    ("resnetv2", "ResNet V2", 2016),
    ("resnext", "ResNeXt", 2016),
    ("resnet", "ResNet", 2015),
    ("rexnet", "ReXNet", 2020),
    ("selecsls", "SelecSLS", 2019),
    ("(legacy_)?se(net|resne[xt])", "SENet", 2017),
    ("shufflenet_v2", "ShuffleNet V2", 2018),
    ("skresne[xt]", "SKNet", 2019),
    ("spnasnet", "Single-Path NAS", 2019),
    ("squeezenet", "SqueezeNet", 2016),
    ("starnet", "StarNet", 2024),
    ("swin_v2", "Swin V2", 2021),
    ("swin", "Swin", 2021),
    ("tinynet", "TinyNet", 2020),
    ("tresnet", "TResNet", 2020),
    ("vgg", "VGG", 2014),
    ("vit", "ViT", 2020),
    ("wide_resnet", "Wide ResNet", 2016),
    ("(legacy_)?xception", "Xception", 2016),
)
_PATTERNS = [(re.compile(pattern), family, year) for pattern, family, year in FAMILIES]


def family_of(name: str) -> tuple[str, int | None]:
    """Return the family of a catalogue name and its year; ("", None) where it is not known."""
    bare = name.removeprefix("timm:")
    for pattern, family, year in _PATTERNS:
        if pattern.match(bare):
            return family, year
    return "", None
