"""What is in the zoo: every graph's name, split, road from architecture to graph, and publication.

Train and validation are plain convolutional and recurrent networks; every transformer and every branching network is
for tests only. A shortcut or a squeeze-and-excitation gate leaves a network plain; a block whose paths are joined by
concatenation or from more than two sides makes it branching (fire modules, shuffled halves and ghost maps included).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from architectures import (
    dense_cnn,
    dense_prediction,
    detectors,
    inception,
    mobile_cnn,
    moe,
    nas,
    plain_cnn,
    residual_cnn,
    rnn,
    rnn_cells,
    seq2seq,
    signal_cnn,
    towers,
)
from architectures import hugging_face as hf
from exporters import Config, Input, Module, OnnxFile, Road, image, tokens

from chipzinc.graph.zoo import Family, Split

LICENCE = "Apache-2.0"
"""Of this repository's architectures, of the transformers package and of the onnx package alike."""


@dataclass(frozen=True)
class Recipe:
    """One graph of the zoo.

    Attributes:
        name: what the command line calls it.
        family: cnn, rnn, transformer or branching.
        split: train, validation or test.
        road: how the graph is made.
        paper: who described the architecture.
    """

    name: str
    family: Family
    split: Split
    road: Road
    paper: str

    @property
    def source(self) -> str:
        """The publication and the road, in a line."""
        return f"{self.paper}; {self.road.road}"


VIEW = (image(224),)
CLASSIFY = "ForImageClassification"
Row = tuple[str, str, Road]

CNN_TRAIN: tuple[Row, ...] = (
    ("lenet5", "LeCun et al. 1998", Module(plain_cnn.lenet5, (image(32, 1),))),
    ("alexnet", "Krizhevsky 2014", Module(plain_cnn.alexnet, VIEW)),
    ("zfnet512-onnx", "Zeiler and Fergus 2014", OnnxFile("light_zfnet512.onnx")),
    ("vgg11", "Simonyan and Zisserman 2015", Module(partial(plain_cnn.vgg, 11), VIEW)),
    ("vgg16", "Simonyan and Zisserman 2015", Module(partial(plain_cnn.vgg, 16), VIEW)),
    ("vgg19-onnx", "Simonyan and Zisserman 2015", OnnxFile("light_vgg19.onnx")),
    ("network-in-network", "Lin et al. 2014", Module(plain_cnn.network_in_network, (image(32),))),
    ("darknet19", "Redmon and Farhadi 2017", Module(plain_cnn.darknet19, VIEW)),
    ("resnet18", "He et al. 2016", Config(hf.resnet((2, 2, 2, 2), bottleneck=False), CLASSIFY)),
    ("resnet50", "He et al. 2016", Config(hf.resnet((3, 4, 6, 3)), CLASSIFY)),
    ("resnet50-onnx", "He et al. 2016", OnnxFile("light_resnet50.onnx")),
    ("resnet152", "He et al. 2016", Config(hf.resnet((3, 8, 36, 3)), CLASSIFY)),
    ("resnet20-cifar", "He et al. 2016", Module(partial(residual_cnn.cifar_resnet, 20), (image(32),))),
    ("resnet110-cifar", "He et al. 2016", Module(partial(residual_cnn.cifar_resnet, 110), (image(32),))),
    (
        "wide-resnet50-2",
        "Zagoruyko and Komodakis 2016",
        Module(partial(residual_cnn.bottleneck_resnet, (3, 4, 6, 3), base_width=128), VIEW),
    ),
    (
        "resnext50-32x4d",
        "Xie et al. 2017",
        Module(partial(residual_cnn.bottleneck_resnet, (3, 4, 6, 3), groups=32, base_width=4), VIEW),
    ),
    (
        "se-resnet50",
        "Hu et al. 2018",
        Module(partial(residual_cnn.bottleneck_resnet, (3, 4, 6, 3), squeeze=True), VIEW),
    ),
    ("xception", "Chollet 2017", Module(residual_cnn.xception, (image(299),))),
    ("mobilenet-v1", "Howard et al. 2017", Config(hf.mobilenet(1), CLASSIFY)),
    ("mobilenet-v2", "Sandler et al. 2018", Config(hf.mobilenet(2), CLASSIFY)),
    ("mobilenet-v3-small", "Howard et al. 2019", Module(partial(mobile_cnn.mobilenet_v3, "small"), VIEW)),
    ("efficientnet-b0", "Tan and Le 2019", Config(hf.efficientnet(1.0, 1.0, 224), CLASSIFY)),
    (
        "regnet-x-400mf",
        "Radosavovic et al. 2020",
        Config(hf.regnet("x", (1, 2, 7, 12), (32, 64, 160, 384), 16), CLASSIFY),
    ),
    (
        "regnet-y-4gf",
        "Radosavovic et al. 2020",
        Config(hf.regnet("y", (2, 6, 12, 2), (128, 192, 512, 1088), 64), CLASSIFY),
    ),
    ("convnext-tiny", "Liu et al. 2022", Config(hf.convnext((3, 3, 9, 3), (96, 192, 384, 768)), CLASSIFY)),
    ("dncnn", "Zhang et al. 2017", Module(signal_cnn.dncnn, (image(128, 1),))),
    ("tcn", "Bai et al. 2018", Module(signal_cnn.tcn, (tokens(80),))),
    ("vdcnn29", "Conneau et al. 2017", Module(signal_cnn.vdcnn, (tokens(1024),))),
)

CNN_VALIDATION: tuple[Row, ...] = (
    ("vgg13-bn", "Simonyan and Zisserman 2015", Module(partial(plain_cnn.vgg, 13, norm=True), VIEW)),
    ("resnet34", "He et al. 2016", Config(hf.resnet((3, 4, 6, 3), bottleneck=False), CLASSIFY)),
    ("resnet101", "He et al. 2016", Config(hf.resnet((3, 4, 23, 3)), CLASSIFY)),
    ("wide-resnet28-10", "Zagoruyko and Komodakis 2016", Module(residual_cnn.wide_resnet_cifar, (image(32),))),
    ("darknet53", "Redmon and Farhadi 2018", Module(residual_cnn.darknet53, (image(256),))),
    ("mobilenet-v3-large", "Howard et al. 2019", Module(partial(mobile_cnn.mobilenet_v3, "large"), VIEW)),
    ("mnasnet", "Tan et al. 2019", Module(mobile_cnn.mnasnet, VIEW)),
    ("efficientnet-b4", "Tan and Le 2019", Config(hf.efficientnet(1.4, 1.8, 380), CLASSIFY)),
    ("convmixer-768-32", "Trockman and Kolter 2022", Module(residual_cnn.convmixer, VIEW)),
    (
        "convnext-v2-tiny",
        "Woo et al. 2023",
        Config(hf.convnext((3, 3, 9, 3), (96, 192, 384, 768), "convnextv2"), CLASSIFY),
    ),
    ("edsr", "Lim et al. 2017", Module(signal_cnn.edsr, (image(96),))),
    ("wav2letter", "Collobert et al. 2016", Module(signal_cnn.wav2letter, (Input((1, 1, 64000)),))),
)

RNN_TRAIN: tuple[Row, ...] = (
    (
        "lstm-ptb-small",
        "Zaremba et al. 2014",
        Module(partial(rnn.LanguageModel, "lstm", 10000, (200,) * 3), (tokens(20),)),
    ),
    (
        "lstm-ptb-large",
        "Zaremba et al. 2014",
        Module(partial(rnn.LanguageModel, "lstm", 10000, (1500,) * 3), (tokens(35),)),
    ),
    (
        "awd-lstm",
        "Merity et al. 2018",
        Module(partial(rnn.LanguageModel, "lstm", 10000, (400, 1150, 1150, 400), tied=True), (tokens(24),)),
    ),
    ("gru-lm", "Cho et al. 2014", Module(partial(rnn.LanguageModel, "gru", 10000, (512,) * 3), (tokens(20),))),
    ("elman-lm", "Elman 1990", Module(partial(rnn.LanguageModel, "tanh", 10000, (512,) * 2), (tokens(20),))),
    ("char-lstm", "Graves 2013", Module(partial(rnn.LanguageModel, "lstm", 205, (700,) * 6), (tokens(12),))),
    ("bilstm-tagger", "Huang et al. 2015", Module(partial(rnn.Tagger, "lstm", 20000, 100, 200, 1, 17), (tokens(24),))),
    (
        "lstm-reader",
        "Hochreiter and Schmidhuber 1997",
        Module(partial(rnn.Reader, "lstm", 20000, (128, 128), 2), (tokens(60),)),
    ),
    (
        "gru-keywords",
        "Arik et al. 2017",
        Module(partial(rnn.Reader, "gru", None, (40, 128, 128), 12), (Input((1, 30, 40)),)),
    ),
    ("lstm-stacked", "Graves et al. 2013", Module(partial(rnn.StackedLSTM, 40, 320, 3, 62), (Input((24, 1, 40)),))),
    ("crnn", "Shi et al. 2017", Module(rnn.Crnn, (Input((1, 1, 32, 100)),))),
    ("conv-lstm", "Shi et al. 2015", Module(rnn_cells.ConvLSTM, (Input((1, 10, 1, 64, 64)),))),
    ("qrnn", "Bradbury et al. 2017", Module(partial(rnn_cells.QuasiRecurrent, 10000, 640, 2), (tokens(35),))),
    (
        "seq2seq",
        "Sutskever et al. 2014",
        Module(partial(seq2seq.Seq2Seq, 160000, 80000, 1000, 4), (tokens(10), tokens(10))),
    ),
    ("seq2seq-bahdanau", "Bahdanau et al. 2015", Module(seq2seq.AttentiveSeq2Seq, (tokens(15), tokens(15)))),
    ("listen-attend-spell", "Chan et al. 2016", Module(seq2seq.ListenAttendSpell, (Input((1, 32, 40)), tokens(10)))),
    ("deep-speech-2", "Amodei et al. 2016", Module(rnn.DeepSpeech2, (Input((1, 1, 161, 60)),))),
)

RNN_VALIDATION: tuple[Row, ...] = (
    (
        "lstm-ptb-medium",
        "Zaremba et al. 2014",
        Module(partial(rnn.LanguageModel, "lstm", 10000, (650,) * 3), (tokens(35),)),
    ),
    ("bigru-tagger", "Yang et al. 2016", Module(partial(rnn.Tagger, "gru", 20000, 100, 150, 2, 17), (tokens(20),))),
    (
        "bilstm-stacked",
        "Graves et al. 2013",
        Module(partial(rnn.StackedLSTM, 40, 250, 2, 62, bidirectional=True), (Input((20, 1, 40)),)),
    ),
    (
        "recurrent-highway",
        "Zilly et al. 2017",
        Module(partial(rnn_cells.RecurrentHighway, 10000, 830, 10), (tokens(10),)),
    ),
    ("sru-reader", "Lei et al. 2018", Module(partial(rnn_cells.SimpleUnitReader, 20000, 512, 4, 2), (tokens(30),))),
    ("seq2seq-luong", "Luong et al. 2015", Module(seq2seq.LuongSeq2Seq, (tokens(10), tokens(10)))),
    ("gnmt", "Wu et al. 2016", Module(seq2seq.Gnmt, (tokens(8), tokens(8)))),
)

DECODER, TRANSLATOR = "ForCausalLM", "ForSeq2SeqLM"
MIXTRAL = moe.MoeConfig()
DEEPSEEK_MOE = moe.MoeConfig(width=1024, hidden=704, layers=8, groups=16, experts=16, chosen=4, shared=2)

TRANSFORMER: tuple[Row, ...] = (
    ("bert-base", "Devlin et al. 2019", Config(hf.bert(12, 768, 12), tokens=128)),
    ("bert-large", "Devlin et al. 2019", Config(hf.bert(24, 1024, 16), tokens=128)),
    ("distilbert", "Sanh et al. 2019", Config({"model_type": "distilbert", **hf.EAGER}, tokens=128)),
    ("albert-base", "Lan et al. 2020", Config(hf.ALBERT, tokens=128)),
    ("electra-small", "Clark et al. 2020", Config({"model_type": "electra", **hf.EAGER}, tokens=128)),
    ("mobilebert", "Sun et al. 2020", Config({"model_type": "mobilebert", **hf.EAGER}, tokens=128)),
    ("deberta-base", "He et al. 2021", Config({"model_type": "deberta", **hf.EAGER}, tokens=128)),
    ("gpt2", "Radford et al. 2019", Config(hf.gpt2(12, 768, 12), DECODER, 256)),
    ("gpt2-medium", "Radford et al. 2019", Config(hf.gpt2(24, 1024, 16), DECODER, 256)),
    ("gpt2-xl", "Radford et al. 2019", Config(hf.gpt2(48, 1600, 25), DECODER, 256)),
    ("opt-125m", "Zhang et al. 2022", Config({"model_type": "opt", **hf.EAGER}, DECODER, 256)),
    ("pythia-410m", "Biderman et al. 2023", Config(hf.PYTHIA_410M, DECODER, 256)),
    ("llama-3.2-1b", "Grattafiori et al. 2024", Config(hf.llama(16, 2048, 8192, 32, 8, 128256, True), DECODER, 256)),
    ("llama-7b", "Touvron et al. 2023", Config(hf.llama(32, 4096, 11008, 32, 32, 32000, False), DECODER, 256)),
    ("qwen2-0.5b", "Yang et al. 2024", Config(hf.QWEN2_HALF_B, DECODER, 256)),
    (
        "mixtral-style",
        "Jiang et al. 2024, smaller",
        Module(partial(moe.MoeDecoder, MIXTRAL, 256), (tokens(256),)),
    ),
    (
        "deepseek-moe-style",
        "Dai et al. 2024, smaller",
        Module(partial(moe.MoeDecoder, DEEPSEEK_MOE, 256), (tokens(256),)),
    ),
    ("t5-small", "Raffel et al. 2020", Config(hf.t5(6, 512, 8), TRANSLATOR, 128)),
    ("t5-base", "Raffel et al. 2020", Config(hf.t5(12, 768, 12), TRANSLATOR, 128)),
    ("bart-base", "Lewis et al. 2020", Config(hf.BART_BASE, TRANSLATOR, 128)),
    ("whisper-tiny", "Radford et al. 2023", Config(hf.WHISPER_TINY, "ForSpeechSeq2Seq", 64)),
    ("vit-base", "Dosovitskiy et al. 2021", Config(hf.vit(12, 768, 12), CLASSIFY)),
    ("vit-large", "Dosovitskiy et al. 2021", Config(hf.vit(24, 1024, 16), CLASSIFY)),
    ("beit-base", "Bao et al. 2022", Config({"model_type": "beit", **hf.CLASSES, **hf.EAGER}, CLASSIFY)),
    ("swin-tiny", "Liu et al. 2021", Config(hf.swin(96, (2, 2, 6, 2), (3, 6, 12, 24)), CLASSIFY)),
    ("swin-base", "Liu et al. 2021", Config(hf.swin(128, (2, 2, 18, 2), (4, 8, 16, 32)), CLASSIFY)),
    ("segformer-b0", "Xie et al. 2021", Config({"model_type": "segformer", **hf.EAGER}, "ForSemanticSegmentation")),
    ("mobilevit-small", "Mehta and Rastegari 2022", Config({"model_type": "mobilevit", **hf.CLASSES}, CLASSIFY)),
)

CIFAR = (image(32),)

BRANCHING: tuple[Row, ...] = (
    ("inception-v1-onnx", "Szegedy et al. 2015", OnnxFile("light_inception_v1.onnx")),
    ("inception-v2-onnx", "Ioffe and Szegedy 2015", OnnxFile("light_inception_v2.onnx")),
    ("inception-v3", "Szegedy et al. 2016", Module(inception.inception_v3, (image(299),))),
    ("inception-v4", "Szegedy et al. 2017", Module(inception.inception_v4, (image(299),))),
    ("inception-resnet-v2", "Szegedy et al. 2017", Module(inception.inception_resnet_v2, (image(299),))),
    ("densenet121-onnx", "Huang et al. 2017", OnnxFile("light_densenet121.onnx")),
    ("densenet169", "Huang et al. 2017", Module(partial(dense_cnn.densenet, (6, 12, 32, 32)), VIEW)),
    ("densenet201", "Huang et al. 2017", Module(partial(dense_cnn.densenet, (6, 12, 48, 32)), VIEW)),
    (
        "densenet-bc-100-cifar",
        "Huang et al. 2017",
        Module(partial(dense_cnn.densenet, (16,) * 3, 12, cifar=True), CIFAR),
    ),
    ("squeezenet-onnx", "Iandola et al. 2016", OnnxFile("light_squeezenet.onnx")),
    ("squeezenet-bypass", "Iandola et al. 2016", Module(dense_cnn.squeezenet, VIEW)),
    ("shufflenet-v1-onnx", "Zhang et al. 2018", OnnxFile("light_shufflenet.onnx")),
    ("shufflenet-v2", "Ma et al. 2018", Module(dense_cnn.shufflenet_v2, VIEW)),
    ("ghostnet", "Han et al. 2020", Module(dense_cnn.ghostnet, VIEW)),
    ("res2net50", "Gao et al. 2021", Module(dense_cnn.res2net50, VIEW)),
    ("fractalnet20", "Larsson et al. 2017", Module(partial(dense_cnn.fractalnet, 3), CIFAR)),
    ("dla34", "Yu et al. 2018", Module(dense_prediction.dla34, VIEW)),
    ("hrnet-w18", "Wang et al. 2020", Module(dense_prediction.HRNet, VIEW)),
    (
        "nasnet-a-mobile",
        "Zoph et al. 2018",
        Module(partial(nas.SearchedNetwork, nas.NASNET_A, 44, 14, imagenet=True), VIEW),
    ),
    (
        "amoebanet-a-cifar",
        "Real et al. 2019",
        Module(partial(nas.SearchedNetwork, nas.AMOEBANET_A, 36, 20, imagenet=False), CIFAR),
    ),
    (
        "darts-imagenet",
        "Liu et al. 2019",
        Module(partial(nas.SearchedNetwork, nas.DARTS_V2, 48, 14, imagenet=True), VIEW),
    ),
    (
        "darts-cifar",
        "Liu et al. 2019",
        Module(partial(nas.SearchedNetwork, nas.DARTS_V2, 36, 20, imagenet=False), CIFAR),
    ),
    ("randwire-small", "Xie et al. 2019", Module(nas.randomly_wired, VIEW)),
    ("unet", "Ronneberger et al. 2015", Module(dense_prediction.UNet, (image(256),))),
    ("attention-unet", "Oktay et al. 2018", Module(partial(dense_prediction.UNet, gated=True), (image(256),))),
    ("unet-plus-plus", "Zhou et al. 2018", Module(dense_prediction.UNetPlusPlus, (image(256),))),
    ("stacked-hourglass", "Newell et al. 2016", Module(dense_prediction.StackedHourglass, (image(256),))),
    ("yolo-v3", "Redmon and Farhadi 2018", Module(detectors.YoloV3, (image(416),))),
    ("retinanet-r50", "Lin et al. 2017", Module(detectors.RetinaNet, (image(512),))),
    ("ssd300-vgg16", "Liu et al. 2016", Module(detectors.Ssd300, (image(300),))),
    ("siamese", "Koch et al. 2015", Module(towers.Siamese, (image(105, 1), image(105, 1)))),
    ("triplet-resnet18", "Schroff et al. 2015", Module(towers.Triplet, (image(224), image(224), image(224)))),
    ("two-stream", "Simonyan and Zisserman 2014", Module(towers.TwoStream, (image(224), image(224, 20)))),
    ("dlrm", "Naumov et al. 2019", Module(towers.Dlrm, (Input((1, 13)), tokens(26)))),
    ("wide-and-deep", "Cheng et al. 2016", Module(towers.WideAndDeep, (Input((1, 13)), tokens(16)))),
    ("mmoe", "Ma et al. 2018", Module(towers.MixtureOfTasks, (Input((1, 512)),))),
)

GROUPS: tuple[tuple[Family, Split, tuple[Row, ...]], ...] = (
    ("cnn", "train", CNN_TRAIN),
    ("cnn", "validation", CNN_VALIDATION),
    ("rnn", "train", RNN_TRAIN),
    ("rnn", "validation", RNN_VALIDATION),
    ("transformer", "test", TRANSFORMER),
    ("branching", "test", BRANCHING),
)


def recipes() -> Iterator[Recipe]:
    """Every graph of the zoo, in the table's order."""
    for family, split, rows in GROUPS:
        for name, paper, road in rows:
            yield Recipe(name, family, split, road, paper)
