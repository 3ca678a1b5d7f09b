"""Tokens and series in, tokens and series out."""

from __future__ import annotations

from tests.corpus.models.transformers.sizes import GPT, GROUPED, OPT, PAIR, SERIES, T5, TEXT, row, without
from tests.corpus.row import Row

LATENT = {  # DeepSeek's attention
    **TEXT,
    "num_key_value_heads": 4,
    "q_lora_rank": 32,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8,
    "v_head_dim": 16,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "moe_intermediate_size": 32,
    "first_k_dense_replace": 1,
    "n_group": 2,
    "topk_group": 1,
}


def rows() -> list[Row]:
    """Encoders, decoders, both, mixtures of experts, recurrences."""
    return [*encoders(), *decoders(), *experts(), *state_spaces(), *sequences()]


def encoders() -> list[Row]:
    return [
        row("albert", TEXT, embedding_size=32),
        row("bert", TEXT),
        row("big_bird", TEXT, attention_type="original_full"),
        row("camembert", TEXT),
        row("canine", without(TEXT, "vocab_size")),
        row("convbert", TEXT, embedding_size=32),
        row("data2vec-text", TEXT),
        row("deberta", TEXT),
        row("deberta-v2", TEXT, relative_attention=True, pos_att_type=["p2c", "c2p"]),
        row("distilbert", vocab_size=500, dim=64, hidden_dim=96, n_layers=2, n_heads=4),
        row("electra", TEXT, embedding_size=32),
        row("ernie", TEXT),
        row("esm", TEXT, pad_token_id=1),
        row("eurobert", GROUPED, pad_token_id=0),
        row("flaubert", vocab_size=500, emb_dim=64, n_layers=2, n_heads=4),
        row("fnet", without(TEXT, "num_attention_heads")),
        row("FunnelModel", vocab_size=500, block_sizes=[1, 1], d_model=64, n_head=4, d_head=16, d_inner=96),
        row("ibert", TEXT),
        row("layoutlm", TEXT),
        row("lilt", TEXT, hidden_size=96),  # six coordinates share it
        row("longformer", TEXT, attention_window=16),
        row("luke", TEXT, entity_vocab_size=50, entity_emb_size=16),
        row("markuplm", TEXT),
        row("megatron-bert", TEXT),
        row("mobilebert", TEXT, embedding_size=32, intra_bottleneck_size=32),
        row("modernbert", TEXT, pad_token_id=0),
        row("mpnet", TEXT),
        row("mra", TEXT),
        row("nystromformer", TEXT, segment_means_seq_len=128, num_landmarks=16),
        row("rembert", TEXT, input_embedding_size=32),
        row("roberta", TEXT),
        row("roberta-prelayernorm", TEXT),
        row("roc_bert", TEXT),
        row("roformer", TEXT),
        row("splinter", TEXT),
        row("squeezebert", TEXT, embedding_size=64),
        row("tapas", TEXT),
        row("xlm", vocab_size=500, emb_dim=64, n_layers=2, n_heads=4),
        row("xlm-roberta", TEXT),
        row("xlnet", vocab_size=500, d_model=64, n_layer=2, n_head=4, d_inner=96),
        row("xmod", TEXT, languages=["en_XX"], default_language="en_XX"),
        row("yoso", TEXT),
    ]


def decoders() -> list[Row]:
    return [
        row("apertus", GROUPED),
        row("bloom", vocab_size=500, hidden_size=64, n_layer=2, n_head=4),
        row("codegen", GPT, rotary_dim=8),
        row("cohere", GROUPED),
        row("cohere2", GROUPED),
        row("ctrl", vocab_size=500, n_embd=64, dff=96, n_layer=2, n_head=4),
        row("diffllama", GROUPED),
        row("exaone4", GROUPED),
        row("falcon", without(TEXT, "intermediate_size")),
        row("gemma", GROUPED, head_dim=16),
        row("gemma2", GROUPED, head_dim=16),
        row("gemma3_text", GROUPED, head_dim=16),
        row("glm4", GROUPED, pad_token_id=0, head_dim=16),
        row("gpt2", GPT),
        row("gpt_bigcode", GPT),
        row(
            "gpt_neo",
            vocab_size=500,
            hidden_size=64,
            num_layers=2,
            num_heads=4,
            attention_types=[[["global", "local"], 1]],
        ),
        row("gpt_neox", TEXT),
        row("gptj", GPT, rotary_dim=8),
        row("granite", GROUPED),
        row("helium", GROUPED, head_dim=16),
        row("llama", GROUPED),
        row("mistral", GROUPED),
        row("mpt", vocab_size=500, d_model=64, n_layers=2, n_heads=4),
        row("nemotron", GROUPED),
        row("olmo", GROUPED),
        row("olmo2", GROUPED),
        row("openai-gpt", GPT),
        row("opt", OPT),
        row("persimmon", TEXT),
        row("phi", GROUPED),
        row("phi3", GROUPED, pad_token_id=0),
        row("qwen2", GROUPED),
        row("qwen3", GROUPED, head_dim=16),
        row("smollm3", GROUPED, pad_token_id=0),
        row("stablelm", GROUPED),
        row("starcoder2", GROUPED),
        row("xglm", vocab_size=500, d_model=64, ffn_dim=96, num_layers=2, attention_heads=4),
    ]


def experts() -> list[Row]:
    """A token passes through some of them."""
    return [
        row(
            "dbrx",
            vocab_size=500,
            d_model=64,
            n_heads=4,
            n_layers=2,
            ffn_config={"ffn_hidden_size": 96, "moe_num_experts": 4, "moe_top_k": 2, "hidden_size": 64},
            attn_config={"kv_n_heads": 2, "rope_theta": 10000.0, "clip_qkv": 8},
        ),
        row("deepseek_v2", LATENT),
        row("deepseek_v3", LATENT),
        row("ernie4_5_moe", GROUPED, moe_num_experts=4, moe_k=2, moe_intermediate_size=32),
        row(
            "glm4_moe",
            GROUPED,
            n_routed_experts=4,
            num_experts_per_tok=2,
            moe_intermediate_size=32,
            first_k_dense_replace=1,
        ),
        row("gpt_oss", GROUPED, head_dim=16, num_local_experts=4, num_experts_per_tok=2),
        row("granitemoe", GROUPED, num_local_experts=4, num_experts_per_tok=2),
        row("mixtral", GROUPED, num_local_experts=4, num_experts_per_tok=2),
        row("olmoe", GROUPED, num_experts=4, num_experts_per_tok=2),
        row("phimoe", GROUPED, num_local_experts=4),
        row(
            "qwen2_moe",
            GROUPED,
            num_experts=4,
            num_experts_per_tok=2,
            moe_intermediate_size=32,
            shared_expert_intermediate_size=32,
        ),
        row("qwen3_moe", GROUPED, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32),
        # Room for all tokens in each expert: which would be dropped follows from the weights' values.
        row(
            "switch_transformers",
            T5,
            num_experts=4,
            expert_capacity=256,
            num_sparse_encoder_layers=1,
            num_sparse_decoder_layers=1,
        ),
        row("nllb-moe", PAIR, num_experts=4, expert_capacity=256, encoder_sparse_step=2, decoder_sparse_step=2),
    ]


def state_spaces() -> list[Row]:
    """Recurrences and their mixtures with attention."""
    return [
        row("bamba", GROUPED, attn_layer_indices=[1], mamba_n_heads=8, mamba_d_state=16, mamba_d_head=16),
        row("falcon_h1", GROUPED, mamba_d_ssm=128, mamba_n_heads=8, mamba_d_head=16, mamba_d_state=16),
        row("falcon_mamba", vocab_size=500, hidden_size=64, state_size=8, num_hidden_layers=2),
        row("jamba", GROUPED, num_experts=4, attn_layer_period=2, attn_layer_offset=1, use_mamba_kernels=False),
        row("lfm2", GROUPED, layer_types=["conv", "full_attention"], block_multiple_of=32),
        row("mamba", vocab_size=500, hidden_size=64, state_size=8, num_hidden_layers=2),
        row(
            "mamba2",
            vocab_size=500,
            hidden_size=64,
            state_size=16,
            num_heads=8,
            head_dim=16,
            n_groups=2,
            num_hidden_layers=2,
        ),
        row(
            "qwen3_next",
            GROUPED,
            head_dim=16,
            num_experts=4,
            num_experts_per_tok=2,
            moe_intermediate_size=32,
            shared_expert_intermediate_size=32,
            linear_num_key_heads=2,
            linear_num_value_heads=4,
            linear_key_head_dim=16,
            linear_value_head_dim=16,
            layer_types=["linear_attention", "full_attention"],
        ),
        row("recurrent_gemma", GROUPED, head_dim=16, num_hidden_layers=3, lru_width=64),
        row(
            "rwkv", vocab_size=500, hidden_size=64, attention_hidden_size=64, intermediate_size=96, num_hidden_layers=2
        ),
        row("xlstm", vocab_size=500, hidden_size=64, num_blocks=2, num_heads=4, qk_dim_factor=1.0),
        row(
            "zamba2",
            GROUPED,
            num_hidden_layers=3,
            layers_block_type=["mamba", "mamba", "hybrid"],
            mamba_d_state=16,
            mamba_headdim=16,
            n_mamba_heads=8,
            num_mem_blocks=1,
        ),
    ]


def sequences() -> list[Row]:
    """Encoders with a decoder, and time series."""
    return [
        row("autoformer", SERIES),
        row("bart", PAIR),
        row("bigbird_pegasus", PAIR, attention_type="original_full"),
        row("blenderbot", PAIR),
        row("fsmt", PAIR, langs=["en", "de"], src_vocab_size=500, tgt_vocab_size=500),
        row("informer", SERIES),
        row("led", PAIR, attention_window=16),
        row("longt5", T5),
        row("m2m_100", PAIR),
        row("marian", PAIR, pad_token_id=0, decoder_start_token_id=0),
        row("mbart", PAIR),
        row("mt5", T5),
        row("mvp", PAIR),
        row("patchtsmixer", context_length=64, patch_length=8, d_model=16, num_layers=2),
        row("patchtst", context_length=64, patch_length=8, d_model=32, num_hidden_layers=2),
        row("pegasus", PAIR),
        row("pegasus_x", PAIR, block_size=16, num_global_tokens=8),
        row("plbart", PAIR),
        row(
            "prophetnet",
            vocab_size=500,
            hidden_size=64,
            encoder_ffn_dim=96,
            decoder_ffn_dim=96,
            num_encoder_layers=2,
            num_decoder_layers=2,
            num_encoder_attention_heads=4,
            num_decoder_attention_heads=4,
        ),
        row("t5", T5),
        row("time_series_transformer", SERIES),
        row(
            "timesfm",
            inputs="past_values=1,64 past_values_padding=1,64:int64 freq=1,1:int64",
            hidden_size=64,
            intermediate_size=64,
            head_dim=16,
            num_attention_heads=4,
            num_hidden_layers=2,
        ),
        row("umt5", T5),
    ]
