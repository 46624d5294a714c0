"""Families, file names and dimensions of the published and of tiny checkpoints."""

FAMILIES = ("original", "multilingual", "turbo", "nano")
TURBO_LIKE = ("turbo", "nano")
T3_FILE = {
    "original": "t3_cfg.safetensors",
    "multilingual": "t3_mtl23ls_v3.safetensors",
    "turbo": "t3_turbo_v1.safetensors",
    "nano": "t3_nano_v1.safetensors",
}
S3GEN_FILE = {
    "original": "s3gen.safetensors",
    "multilingual": "s3gen.safetensors",
    "turbo": "s3gen_meanflow.safetensors",
    "nano": "s3gen_meanflow.safetensors",
}
NANO_FIELDS = dict(n_embd=768, hidden_size=768, n_head=12, n_layer=12)


def full_dims(family):
    """Published shapes."""
    gpt = family in TURBO_LIKE
    d = {
        "family": family,
        "size": "full",
        "t3": {
            "backbone": "gpt2" if gpt else "llama",
            "hidden_size": 768 if family == "nano" else 1024,
            "intermediate_size": (3072 if family == "nano" else 4096),
            "num_layers": {"nano": 12, "turbo": 24}.get(family, 30),
            "num_heads": 12 if family == "nano" else 16,
            "text_vocab": {"original": 704, "multilingual": 2454}.get(family, 50276),
            "speech_vocab": 6563 if gpt else 8194,
            "speaker_embed_size": 256,
            "max_text_tokens": None if gpt else 2048,
            "max_speech_tokens": None if gpt else 4096,
            "n_positions": 8196 if gpt else None,
            "speech_cond_prompt_len": 375 if gpt else 150,
            "perceiver_queries": None if gpt else 32,
            "perceiver_heads": None if gpt else 4,
            "emotion_adv": not gpt,
            "norm_eps": 1e-5,
            "rope": (
                None
                if gpt
                else dict(
                    theta=500000.0,
                    type="llama3",
                    factor=8.0,
                    low_freq_factor=1.0,
                    high_freq_factor=4.0,
                    original_max_position_embeddings=8192,
                )
            ),
            "start_text_token": None if gpt else 255,
            "stop_text_token": None if gpt else 0,
            "start_speech_token": 6561,
            "stop_speech_token": 6562,
            "activation": "gelu_new" if gpt else "silu",
        },
        "ve": {"num_mels": 40, "hidden": 256, "embed": 256, "layers": 3, "partial_frames": 160},
        "s3tok": {
            "n_mels": 128,
            "n_state": 1280,
            "n_head": 20,
            "n_layer": 6,
            "fsmn_kernel": 31,
            "rope_theta": 10000.0,
        },
        "campplus": {
            "feat_dim": 80,
            "embedding": 192,
            "growth": 32,
            "bn_size": 4,
            "init_channels": 128,
            "m_channels": 32,
            "layers": [12, 24, 16],
            "dilations": [1, 2, 2],
            "reduction": 2,
            "seg_len": 100,
        },
        "flow": {
            "input_size": 512,
            "encoder_dim": 512,
            "encoder_heads": 8,
            "linear_units": 2048,
            "num_blocks": 6,
            "num_up_blocks": 4,
            "pre_lookahead_len": 3,
            "up_stride": 2,
            "speech_vocab": 6561,
            "mel": 80,
            "token_mel_ratio": 2,
        },
        "cfm": {
            "in_channels": 320,
            "channels": 256,
            "attention_head_dim": 64,
            "num_heads": 8,
            "n_blocks": 4,
            "num_mid_blocks": 12,
            "ff_mult": 4,
            "meanflow": gpt,
            "steps": 2 if gpt else 10,
            "cfg_rate": 0.0 if gpt else 0.7,
            "time_emb_scale": 1000,
        },
        "hift": {
            "base_channels": 512,
            "f0_channels": 512,
            "nb_harmonics": 8,
            "upsample_rates": [8, 5, 3],
            "upsample_kernels": [16, 11, 7],
            "n_fft": 16,
            "hop": 4,
            "resblock_kernels": [3, 7, 11],
            "source_resblock_kernels": [7, 7, 11],
            "dilations": [1, 3, 5],
            "lrelu_slope": 0.1,
            "audio_limit": 0.99,
            "sine_amp": 0.1,
            "noise_std": 0.003,
            "voiced_threshold": 10,
            "sampling_rate": 24000,
        },
    }
    return d


TINY_T3 = {  # hidden, ffn, layers, heads
    "original": (32, 96, 2, 4),
    "multilingual": (32, 80, 3, 2),
    "turbo": (48, 192, 2, 3),
    "nano": (32, 128, 3, 4),
}


def tiny_dims(family, variant=0):
    """Same structure, small numbers.  `variant` (0..) changes dims for hold-out sets."""
    d = full_dims(family)
    d["size"] = "tiny"
    d["variant"] = variant
    h, ff, nl, nh = TINY_T3[family]
    v = variant
    if v:
        nh = (nh % 4) + 2
        h = nh * 8 * (1 + v % 2)
        nl = 1 + (nl + v) % 3
        ff = 4 * h if d["t3"]["backbone"] == "gpt2" else 3 * h + 16
    t3 = d["t3"]
    t3.update(
        hidden_size=h,
        intermediate_size=ff,
        num_layers=nl,
        num_heads=nh,
        speaker_embed_size=24 + 8 * (v % 3),
    )
    if t3["backbone"] == "llama":
        t3.update(
            max_text_tokens=254,
            max_speech_tokens=252,
            perceiver_queries=6 + v % 4,
            perceiver_heads=4,
        )
    else:
        t3.update(n_positions=512, text_vocab=None)  # vocab follows the tokenizer files
    d["ve"].update(hidden=20 + 4 * (v % 3), embed=t3["speaker_embed_size"])
    d["s3tok"].update(n_state=32, n_head=2 if v % 2 == 0 else 4, n_layer=2)
    d["campplus"].update(
        embedding=24 + 4 * (v % 2),
        growth=8,
        init_channels=16,
        m_channels=8,
        layers=[2, 3, 2] if v % 2 == 0 else [3, 2, 4],
    )
    d["flow"].update(
        input_size=24,
        encoder_dim=32,
        encoder_heads=4 if v % 2 == 0 else 2,
        linear_units=64,
        num_blocks=2 if v % 2 else 1,
        num_up_blocks=1,
    )
    d["cfm"].update(
        channels=32,
        attention_head_dim=16,
        num_heads=4 if v % 2 == 0 else 3,
        n_blocks=2,
        num_mid_blocks=2 if v % 2 == 0 else 1,
    )
    d["hift"].update(base_channels=32, f0_channels=24)
    return d


NOT_DERIVABLE = {
    "t3.num_heads": "not in any tensor; published: 16 (llama, gpt2-medium), 12 (nano); head_dim is 64 in all published models",
    "t3.rope": "llama3-scaled RoPE constants are not stored (inv_freq is not persistent)",
    "t3.norm_eps": "1e-5 (RMSNorm and LayerNorm)",
    "t3.perceiver_heads": "4 (so head_dim 256 at width 1024, unlike the 64 of the backbone)",
    "t3.start/stop tokens": "speech 6561/6562, text 255/0: constants",
    "t3.speech_cond_prompt_len": "150 (llama) / 375 (gpt2): constant, only caps the prompt length",
    "s3tok.n_head": "20; head_dim 64 is hard-wired through precompute_freqs_cis(64, 2048) (tiny: table re-made for n_state/n_head)",
    "s3tok.rope_theta": "10000",
    "campplus.dilations": "1,2,2 per dense block; stride 2 in tdnn; seg_len 100",
    "flow.encoder_heads": "derivable from pos_bias_u shape (heads, head_dim)",
    "flow.pre_lookahead_len": "derivable: conv1 kernel - 1",
    "cfm.num_heads": "8; only heads*head_dim is visible in to_q.weight (512); head_dim 64",
    "cfm.steps / cfg_rate": "10 steps cosine + cfg 0.7 (original, multilingual); 2 steps linear, no cfg (meanflow)",
    "hift.dilations": "1,3,5 everywhere; paddings (k*d-d)/2",
    "hift.upsample_rates": "8,5,3 (kernels 16,11,7 are visible)",
    "hift.istft": "n_fft 16 is visible (conv_post 18 = n_fft+2), hop 4 is not",
    "ve.partial_frames": "160, frame step from rate 1.3, min_coverage 0.8",
}
