"""Backbones and autoencoders of diffusers, narrow and shallow."""

from __future__ import annotations

from typing import Any

from mac_audit.request import Request
from tests.corpus.row import Row

CONVOLUTIONS = {"block_out_channels": [32, 64], "layers_per_block": 1, "norm_num_groups": 8}
UNET = {**CONVOLUTIONS, "sample_size": 16, "cross_attention_dim": 32, "attention_head_dim": 8}
AUTOENCODER = {
    **CONVOLUTIONS,
    "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"],
}
HEADS = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2}


def rows() -> list[Row]:
    """By kind of network."""
    return [
        row(
            "UNet2DModel",
            CONVOLUTIONS,
            sample_size=32,
            attention_head_dim=8,
            down_block_types=["DownBlock2D", "AttnDownBlock2D"],
            up_block_types=["AttnUpBlock2D", "UpBlock2D"],
        ),
        row(
            "UNet2DConditionModel",
            UNET,
            down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"],
            up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"],
        ),
        row(
            "UNet3DConditionModel",
            UNET,
            down_block_types=["CrossAttnDownBlock3D", "DownBlock3D"],
            up_block_types=["UpBlock3D", "CrossAttnUpBlock3D"],
        ),
        row(
            "ControlNetModel",
            CONVOLUTIONS,
            cross_attention_dim=32,
            attention_head_dim=8,
            down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"],
        ),
        row("DiTTransformer2DModel", HEADS, sample_size=16, num_embeds_ada_norm=10, norm_num_groups=8),
        row("PixArtTransformer2DModel", HEADS, sample_size=16, cross_attention_dim=32, caption_channels=32),
        row(
            "SD3Transformer2DModel",
            HEADS,
            sample_size=16,
            joint_attention_dim=32,
            caption_projection_dim=32,
            pooled_projection_dim=64,
            pos_embed_max_size=16,
        ),
        row(
            "FluxTransformer2DModel",
            HEADS,
            num_single_layers=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            in_channels=16,
            axes_dims_rope=[4, 4, 8],
        ),
        row(
            "SanaTransformer2DModel",
            HEADS,
            sample_size=16,
            num_cross_attention_heads=2,
            cross_attention_head_dim=16,
            cross_attention_dim=32,
            caption_channels=32,
        ),
        row(
            "HunyuanDiT2DModel",
            HEADS,
            inputs="hidden_states=1,4,16,16 timestep=1:int64 encoder_hidden_states=1,77,32 "
            "text_embedding_mask=1,77:int64 encoder_hidden_states_t5=1,256,32 text_embedding_mask_t5=1,256:int64 "
            "image_meta_size=1,6 style=1:int64",
            sample_size=16,
            patch_size=2,
            in_channels=4,
            hidden_size=32,
            cross_attention_dim=32,
            cross_attention_dim_t5=32,
            pooled_projection_dim=32,
        ),
        row(
            "AuraFlowTransformer2DModel",
            num_attention_heads=2,
            attention_head_dim=16,
            num_mmdit_layers=1,
            num_single_dit_layers=1,
            sample_size=16,
            joint_attention_dim=32,
            caption_projection_dim=32,
        ),
        row(
            "CogVideoXTransformer3DModel",
            HEADS,
            time_embed_dim=8,
            text_embed_dim=32,
            sample_height=16,
            sample_width=16,
            sample_frames=9,
        ),
        row("LTXVideoTransformer3DModel", HEADS, cross_attention_dim=32, caption_channels=32),
        row("WanTransformer3DModel", HEADS, text_dim=32, ffn_dim=64, freq_dim=32),
        row(
            "Lumina2Transformer2DModel",
            hidden_size=48,
            num_layers=2,
            num_refiner_layers=1,
            num_attention_heads=2,
            num_kv_heads=1,
            axes_dim_rope=[8, 8, 8],
            cap_feat_dim=32,
            sample_size=16,
        ),
        row(
            "CogView4Transformer2DModel",
            HEADS,
            inputs="hidden_states=1,16,16,16 encoder_hidden_states=1,8,32 timestep=1:int64"
            " original_size=1,2 target_size=1,2 crop_coords=1,2",
            text_embed_dim=32,
            time_embed_dim=16,
            condition_dim=8,
        ),
        row(
            "PriorTransformer",
            HEADS,
            inputs="hidden_states=1,32 timestep=1:int64 proj_embedding=1,32 encoder_hidden_states=1,16,32",
            embedding_dim=32,
            num_embeddings=16,
        ),
        row("AutoencoderKL", AUTOENCODER, sample_size=32),
        row(
            "AutoencoderTiny",
            encoder_block_out_channels=[16, 16],
            decoder_block_out_channels=[16, 16],
            num_encoder_blocks=[1, 1],
            num_decoder_blocks=[1, 1],
        ),
        row(
            "AutoencoderDC",
            encoder_block_out_channels=[32, 64],
            decoder_block_out_channels=[32, 64],
            encoder_block_types=["ResBlock", "EfficientViTBlock"],
            decoder_block_types=["ResBlock", "EfficientViTBlock"],
            encoder_layers_per_block=[1, 1],
            decoder_layers_per_block=[1, 1],
            encoder_qkv_multiscales=[[], [5]],
            decoder_qkv_multiscales=[[], [5]],
            latent_channels=8,
            attention_head_dim=16,
        ),
        row(
            "AutoencoderKLTemporalDecoder",
            block_out_channels=[32, 64],
            layers_per_block=1,
            down_block_types=["DownEncoderBlock2D", "DownEncoderBlock2D"],
            sample_size=32,
        ),
        row("AutoencoderKLWan", base_dim=16, z_dim=8, dim_mult=[1, 2], num_res_blocks=1, temperal_downsample=[True]),
        row("VQModel", AUTOENCODER, sample_size=32),
    ]


def row(name: str, shared: dict[str, Any] | None = None, inputs: str = "", **own: Any) -> Row:
    """With ``shared`` arguments and its ``own``; ``inputs`` where they cannot be found."""
    return Row(Request(f"diffusers:{name}", {**(shared or {}), **own}, tuple(inputs.split())))
