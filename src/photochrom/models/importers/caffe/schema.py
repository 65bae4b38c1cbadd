"""The part of Caffe's Protocol Buffers that colouring networks use.

The messages are built at run time in a pool of their own, so that they cannot clash with Caffe's
generated classes in the same process.

Two fields differ from Caffe's declaration: ``BlobProto.data`` and ``double_data`` are ``bytes``
here and packed floats there. On the wire the two are the same, little-endian numbers behind a
length, and ``numpy.frombuffer`` takes them as they are instead of number by number.
"""

from __future__ import annotations

from typing import Any

_PACKAGE = "caffe"

_ENUMS = {
    "Engine": ("DEFAULT", "CAFFE", "CUDNN"),
    "VarianceNorm": ("FAN_IN", "FAN_OUT", "AVERAGE"),
}

# "name=number type default"; a type ending in * is repeated.
_MESSAGES = {
    "NetParameter": (
        "name=1 string",
        "layers=2 V1LayerParameter*",
        "input=3 string*",
        "input_dim=4 int64*",
        "force_backward=5 bool",
        "debug_info=7 bool",
        "input_shape=8 BlobShape*",
        "layer=100 LayerParameter*",
    ),
    "LayerParameter": (
        "name=1 string",
        "type=2 string",
        "bottom=3 string*",
        "top=4 string*",
        "loss_weight=5 float*",
        "param=6 ParamSpec*",
        "blobs=7 BlobProto*",
        "propagate_down=11 bool*",
        "convolution_param=106 ConvolutionParameter",
        "dropout_param=108 DropoutParameter",
        "relu_param=123 ReLUParameter",
        "softmax_param=125 SoftmaxParameter",
        "batch_norm_param=139 BatchNormParameter",
        "scale_param=142 ScaleParameter",
        "input_param=143 InputParameter",
    ),
    # Only there to tell files of Caffe's first layer format apart.
    "V1LayerParameter": ("name=4 string",),
    "BlobShape": ("dim=1 int64*",),
    "BlobProto": (
        "num=1 int64",
        "channels=2 int64",
        "height=3 int64",
        "width=4 int64",
        "data=5 bytes",
        "shape=7 BlobShape",
        "double_data=8 bytes",
    ),
    "ParamSpec": ("name=1 string", "lr_mult=3 float 1", "decay_mult=4 float 1"),
    "FillerParameter": (
        "type=1 string constant",
        "value=2 float",
        "min=3 float",
        "max=4 float 1",
        "mean=5 float",
        "std=6 float 1",
        "sparse=7 int32 -1",
        "variance_norm=8 VarianceNorm",
    ),
    "ConvolutionParameter": (
        "num_output=1 uint32",
        "bias_term=2 bool true",
        "pad=3 uint32*",
        "kernel_size=4 uint32*",
        "group=5 uint32 1",
        "stride=6 uint32*",
        "weight_filler=7 FillerParameter",
        "bias_filler=8 FillerParameter",
        "pad_h=9 uint32",
        "pad_w=10 uint32",
        "kernel_h=11 uint32",
        "kernel_w=12 uint32",
        "stride_h=13 uint32",
        "stride_w=14 uint32",
        "engine=15 Engine",
        "axis=16 int32 1",
        "force_nd_im2col=17 bool",
        "dilation=18 uint32*",
    ),
    "DropoutParameter": ("dropout_ratio=1 float 0.5",),
    "ReLUParameter": ("negative_slope=1 float", "engine=2 Engine"),
    "SoftmaxParameter": ("engine=1 Engine", "axis=2 int32 1"),
    "BatchNormParameter": (
        "use_global_stats=1 bool",
        "moving_average_fraction=2 float 0.999",
        "eps=3 float 1e-05",
    ),
    "ScaleParameter": (
        "axis=1 int32 1",
        "num_axes=2 int32 1",
        "filler=3 FillerParameter",
        "bias_term=4 bool",
        "bias_filler=5 FillerParameter",
    ),
    "InputParameter": ("shape=1 BlobShape*",),
}


def net_parameter() -> Any:
    """The message class ``NetParameter``, root of prototxt and caffemodel; needs protobuf."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="photochrom_caffe.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, labels in _ENUMS.items():
        enum = file.enum_type.add(name=name)
        for number, label in enumerate(labels):
            enum.value.add(name=label, number=number)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in fields:
            _add_field(message, text)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.NetParameter"))


def _add_field(message: Any, text: str) -> None:
    key, kind, *default = text.split()
    name, number = key.split("=")
    field = message.field.add(name=name, number=int(number))
    repeated, kind = kind.endswith("*"), kind.rstrip("*")
    field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
    if kind in _ENUMS:
        field.type, field.type_name = field.TYPE_ENUM, f".{_PACKAGE}.{kind}"
    elif kind in _MESSAGES:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")
    if default:
        field.default_value = default[0]
