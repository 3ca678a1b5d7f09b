"""Images, sound, and several modalities at once."""

from __future__ import annotations

from typing import Any

from tests.corpus.models.transformers.sizes import GROUPED, OPT, PAIR, T5, TEXT, VISION, row, without
from tests.corpus.row import Row

SPEECH: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "conv_dim": [32, 32, 32],
    "conv_kernel": [10, 3, 3],
    "conv_stride": [5, 4, 2],
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
# Parts of models of several modalities: their own names for the same sizes.
PARTS = {"text_config": TEXT, "vision_config": VISION}
LANGUAGE = {"text_config": GROUPED, "vision_config": VISION}
QWEN_TOKENS = {"image_token_id": 499, "video_token_id": 498, "vision_start_token_id": 497, "vision_end_token_id": 496}
QWEN_VISION = {"depth": 2, "num_heads": 4, "patch_size": 14, "spatial_merge_size": 2}


LAYERED = {**GROUPED, "layer_types": ["full_attention", "full_attention"]}
ROTATED = {**LAYERED, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}}


def rows() -> list[Row]:
    """By modality."""
    return [*images(), *sounds(), *mixed()]


BACKBONE = {"model_type": "resnet", "out_features": ["stage4"]}  # the default one wants another library


def images() -> list[Row]:
    return [
        row("beit", VISION),
        row("bit"),
        row("conditional_detr", backbone_config=BACKBONE),
        row("convnext", depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64], image_size=64),
        row("convnextv2", depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64], image_size=64),
        row("cvt"),
        row("data2vec-vision", VISION),
        row("deformable_detr", backbone_config={**BACKBONE, "out_features": ["stage2", "stage3", "stage4"]}),
        row("deit", VISION),
        row("DepthAnythingForDepthEstimation"),
        row("detr", backbone_config=BACKBONE),
        row("dinov2", without(VISION, "intermediate_size")),
        row("dinov2_with_registers", without(VISION, "intermediate_size")),
        row("dinov3_vit", VISION),
        row("dpt", VISION),
        row("efficientnet"),
        row("focalnet"),
        row("glpn"),
        row("hiera"),
        row("ijepa", VISION),
        row("levit"),
        row("mask2former"),
        row("maskformer"),
        row("mobilenet_v1"),
        row("mobilenet_v2"),
        row("mobilevit"),
        row("mobilevitv2"),
        row("poolformer"),
        row("pvt"),
        row("pvt_v2"),
        row("regnet"),
        row("resnet"),
        row("rt_detr"),
        row("sam"),
        row("segformer"),
        row("siglip_vision_model", VISION),
        row("SuperPointForKeypointDetection"),
        row("swiftformer"),
        row("swin"),
        row("swin2sr"),
        row("swinv2"),
        row("timesformer", VISION, num_frames=4),
        row("UperNetForSemanticSegmentation"),
        row("videomae", VISION, num_frames=4),
        row("vit", VISION),
        row(
            "vit_mae",
            VISION,
            decoder_hidden_size=32,
            decoder_num_hidden_layers=2,
            decoder_num_attention_heads=4,
            decoder_intermediate_size=64,
        ),
        row("vit_msn", VISION),
        row("vitdet", without(VISION, "intermediate_size")),
        row("VitPoseForPoseEstimation"),
        row("vivit", without(VISION, "patch_size"), num_frames=4, tubelet_size=[2, 16, 16]),
        row("yolos", VISION, image_size=[64, 64]),
    ]


def sounds() -> list[Row]:
    return [
        row("audio-spectrogram-transformer", without(VISION, "image_size"), max_length=128, num_mel_bins=64),
        row("ClapAudioModel", inputs="input_features=1,1,1001,64"),
        row("dac"),
        row("data2vec-audio", SPEECH),
        row("encodec"),
        row("fastspeech2_conformer"),
        row("hubert", SPEECH),
        row("mimi"),
        row("moonshine"),
        row(
            "seamless_m4t",
            vocab_size=500,
            hidden_size=64,
            encoder_layers=1,
            encoder_ffn_dim=96,
            encoder_attention_heads=4,
            decoder_layers=1,
            decoder_ffn_dim=96,
            decoder_attention_heads=4,
            speech_encoder_layers=1,
            speech_encoder_attention_heads=4,
            speech_encoder_intermediate_size=96,
        ),
        row("sew", SPEECH),
        row("sew-d", SPEECH),
        row("speech_to_text", PAIR),
        row("SpeechT5ForSpeechToText", encoder_layers=1, decoder_layers=1),
        row("unispeech", SPEECH),
        row("unispeech-sat", SPEECH),
        row("univnet"),
        row("vits", uncompared="the length of the speech follows from the durations that it predicts"),
        row("wav2vec2", SPEECH),
        row("wav2vec2-bert", TEXT),
        row("wav2vec2-conformer", SPEECH),
        row("wavlm", SPEECH),
        row("whisper", PAIR, pad_token_id=0, num_mel_bins=20, max_source_positions=50),
    ]


def mixed() -> list[Row]:
    """Several modalities at once."""
    return [
        row("align", text_config=TEXT),
        row("altclip", PARTS),
        row("blip", PARTS),
        row(
            "blip-2",
            image_token_index=499,
            vision_config=VISION,
            qformer_config=TEXT,
            text_config={**OPT, "model_type": "opt"},
        ),
        row(
            "bridgetower",
            hidden_size=64,
            num_attention_heads=4,
            num_hidden_layers=2,
            text_config=TEXT,
            vision_config=without(VISION, "intermediate_size", "num_attention_heads"),
        ),
        row("chinese_clip", PARTS),
        row("clip", PARTS),
        row("clipseg", PARTS),
        row("flava", image_config=VISION, text_config=TEXT, multimodal_config=without(TEXT, "vocab_size")),
        row("fuyu", inputs="input_ids=1,32:int64", text_config=TEXT),
        row(
            "gemma3",
            text_config={**GROUPED, "head_dim": 16, "layer_types": ["sliding_attention", "full_attention"]},
            vision_config=VISION,
            mm_tokens_per_image=4,
        ),
        row("git", TEXT, vision_config=VISION),
        row("grounding-dino"),
        row("groupvit"),
        row(
            "idefics",
            TEXT,
            inputs="input_ids=1,32:int64 pixel_values=1,1,3,64,64 image_attention_mask=1,32,1:int64",
            use_resampler=False,
            vision_config={**VISION, "embed_dim": 64},
        ),
        row("idefics2", LANGUAGE, image_token_id=499),
        row("idefics3", LANGUAGE, image_token_id=499),
        row(
            "instructblip",
            inputs="pixel_values=1,3,64,64 qformer_input_ids=1,8:int64 qformer_attention_mask=1,8:int64"
            " input_ids=1,40:int64",
            image_token_index=499,
            vision_config=VISION,
            qformer_config=TEXT,
            text_config={**OPT, "model_type": "opt"},
        ),
        row(
            "kosmos-2",
            text_config={"vocab_size": 500, "embed_dim": 64, "layers": 2, "ffn_dim": 96, "attention_heads": 4},
            vision_config=VISION,
            latent_query_num=32,
            inputs="pixel_values=1,3,64,64 input_ids=1,32:int64 image_embeds_position_mask=1,32:bool",
        ),
        row("layoutlmv3", TEXT, input_size=64, coordinate_size=11, shape_size=10),
        row(
            "llava",
            image_token_index=499,
            text_config={"model_type": "llama", **GROUPED},
            vision_config={"model_type": "clip_vision_model", **VISION},
        ),
        row(
            "llava_next",
            image_grid_pinpoints=[[64, 64]],
            image_token_index=499,
            text_config={"model_type": "llama", **GROUPED},
            vision_config={"model_type": "clip_vision_model", **VISION},
        ),
        row(
            "lxmert",
            TEXT,
            inputs="input_ids=1,32:int64 visual_feats=1,10,2048 visual_pos=1,10,4",
            l_layers=1,
            x_layers=1,
            r_layers=1,
        ),
        row(
            "mllama",
            inputs="input_ids=1,32:int64 pixel_values=1,1,4,3,64,64 aspect_ratio_ids=1,1:int64"
            " aspect_ratio_mask=1,1,4:int64 cross_attention_mask=1,32,1,4:int64",
            text_config={**GROUPED, "cross_attention_layers": [1], "pad_token_id": 0},
            vision_config={
                **VISION,
                "num_global_layers": 1,
                "intermediate_layers_indices": [0, 1],
                "vision_output_dim": 192,
            },
        ),
        row("owlv2", PARTS),
        row("owlvit", PARTS),
        row("paligemma", text_config={**GROUPED, "head_dim": 16}, vision_config=VISION, projection_dim=64),
        row(
            "perceiver", inputs="inputs=1,20,64", num_latents=16, d_latents=64, d_model=64, num_self_attends_per_block=2
        ),
        row(
            "Pix2StructForConditionalGeneration",
            inputs="flattened_patches=1,16,770 decoder_input_ids=1,16:int64",
            text_config={**without(T5, "d_model"), "hidden_size": 64},
            vision_config={"hidden_size": 64, "d_ff": 96, "d_kv": 16, "num_hidden_layers": 2, "num_attention_heads": 4},
        ),
        row(
            "qwen2_5_vl",
            QWEN_TOKENS,
            text_config=ROTATED,
            vision_config={**QWEN_VISION, "hidden_size": 64, "out_hidden_size": 64},
        ),
        row(
            "Qwen2AudioEncoder",
            inputs="input_features=1,128,3000",
            d_model=64,
            encoder_layers=2,
            encoder_attention_heads=4,
            encoder_ffn_dim=96,
        ),
        row(
            "qwen2_vl",
            QWEN_TOKENS,
            text_config=ROTATED,
            vision_config={**QWEN_VISION, "embed_dim": 64, "hidden_size": 64},
        ),
        row("siglip", text_config={**TEXT, "projection_size": 64}, vision_config=VISION),
        row("smolvlm", LANGUAGE, image_token_id=499),
        row("tvp", max_img_size=224),
        row(
            "udop",
            T5,
            image_size=64,
            inputs="input_ids=1,32:int64 bbox=1,32,4 pixel_values=1,3,64,64 decoder_input_ids=1,16:int64",
        ),
        row("vilt", VISION, inputs="input_ids=1,32:int64 pixel_values=1,3,64,64"),
        row("visual_bert", TEXT),
        row("xclip", PARTS),
    ]
