"""Helpers of the oracle tools: import the reference, build its modules at
any size, make deterministic weights, feed fixed random numbers.

The reference is PyPI `chatterbox-tts` (0.1.7) unless CHATTERBOX_SRC points at the
`src` folder of a git snapshot.  `import_reference()` closes the gaps of 0.1.7
(Nano, v3 file names, no alignment analyzer) so that both behave the same.
"""

import contextlib
import copy
import io
import json
import os
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
warnings.filterwarnings("ignore")

import torch

torch.set_num_threads(int(os.environ.get("ORACLE_THREADS", "1")))
torch.set_grad_enabled(False)

from okit_dims import (  # the other tools take these from here
    FAMILIES,
    NANO_FIELDS,
    NOT_DERIVABLE,
    S3GEN_FILE,
    T3_FILE,
    TURBO_LIKE,
    full_dims,
    tiny_dims,
)
from okit_weights import apply_rounding, randomize, round_mantissa, synth_voice


class Ref:
    """Namespace of the reference modules that the tools touch."""


_REF = None


def import_reference():
    global _REF
    if _REF is not None:
        return _REF
    src = os.environ.get("CHATTERBOX_SRC")
    if src:
        sys.path.insert(0, src)
    with quiet():
        import chatterbox
        from chatterbox import tts, tts_turbo, mtl_tts, vc
        from chatterbox.models.t3 import t3 as t3mod
        from chatterbox.models.t3 import llama_configs
        from chatterbox.models.t3.modules import cond_enc, t3_config, perceiver
        from chatterbox.models.s3gen import s3gen as s3mod
        from chatterbox.models.s3gen import decoder as decmod
        from chatterbox.models.s3gen import flow as flowmod
        from chatterbox.models.s3gen import flow_matching as cfmmod
        from chatterbox.models.s3gen import hifigan, xvector, f0_predictor
        from chatterbox.models.s3gen.utils import mel as melmod
        from chatterbox.models.s3gen.transformer import upsample_encoder as encmod
        from chatterbox.models.s3gen.transformer import embedding as embmod
        from chatterbox.models.s3tokenizer import s3tokenizer as tokmod
        from chatterbox.models.s3tokenizer import drop_invalid_tokens
        from chatterbox.models.voice_encoder import voice_encoder as vemod
        from chatterbox.models.voice_encoder import melspec as vemel
        from chatterbox.models.voice_encoder.config import VoiceEncConfig
        from chatterbox.models.tokenizers import tokenizer as txtmod
        import s3tokenizer.model_v2 as s3v2
    r = Ref()
    r.__dict__.update(locals())
    r.has_nano = "GPT2_small" in llama_configs.LLAMA_CONFIGS
    r.has_analyzer = hasattr(t3mod, "AlignmentStreamAnalyzer")
    r.is_snapshot = r.has_nano and not r.has_analyzer
    if not r.has_nano:
        small = copy.deepcopy(llama_configs.LLAMA_CONFIGS["GPT2_medium"])
        small.update(NANO_FIELDS)
        llama_configs.LLAMA_CONFIGS["GPT2_small"] = small
    if r.has_analyzer and os.environ.get("ORACLE_KEEP_ANALYZER") != "1":
        # The snapshot runs no analyzer: is_multilingual only gates it, so make it False.
        t3_config.T3Config.is_multilingual = property(lambda self: False)
        r.analyzer_disabled = True
    else:
        r.analyzer_disabled = False
    _REF = r
    return r


@contextlib.contextmanager
def quiet():
    import logging

    logging.disable(logging.WARNING)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        yield
    logging.disable(logging.NOTSET)


def t3_hp(dims):
    r = import_reference()
    t = dims["t3"]
    hp = r.t3_config.T3Config(text_tokens_dict_size=t["text_vocab"])
    name = "oracle_%s_%s" % (dims["family"], dims["size"])
    if t["backbone"] == "gpt2":
        base = copy.deepcopy(
            r.llama_configs.LLAMA_CONFIGS[
                "GPT2_small" if dims["family"] == "nano" else "GPT2_medium"
            ]
        )
        base.update(
            n_embd=t["hidden_size"],
            hidden_size=t["hidden_size"],
            n_head=t["num_heads"],
            n_layer=t["num_layers"],
            n_positions=t["n_positions"],
            n_ctx=t["n_positions"],
            vocab_size=t["text_vocab"],
        )
        if dims["size"] == "tiny":
            base.update(bos_token_id=0, eos_token_id=0)
        hp.input_pos_emb = None
        hp.speech_tokens_dict_size = t["speech_vocab"]
        hp.speech_cond_prompt_len = t["speech_cond_prompt_len"]
        hp.use_perceiver_resampler = False
        hp.emotion_adv = False
    else:
        base = copy.deepcopy(r.llama_configs.LLAMA_CONFIGS["Llama_520M"])
        base.update(
            hidden_size=t["hidden_size"],
            intermediate_size=t["intermediate_size"],
            num_hidden_layers=t["num_layers"],
            num_attention_heads=t["num_heads"],
            num_key_value_heads=t["num_heads"],
            head_dim=t["hidden_size"] // t["num_heads"],
        )
        hp.speech_tokens_dict_size = t["speech_vocab"]
        hp.max_text_tokens = t["max_text_tokens"]
        hp.max_speech_tokens = t["max_speech_tokens"]
    hp.speaker_embed_size = t["speaker_embed_size"]
    hp.llama_config_name = name
    r.llama_configs.LLAMA_CONFIGS[name] = base
    return hp


@contextlib.contextmanager
def swap(obj, **kw):
    old = {k: getattr(obj, k) for k in kw}
    for k, v in kw.items():
        setattr(obj, k, v)
    try:
        yield
    finally:
        for k, v in old.items():
            setattr(obj, k, v)


@contextlib.contextmanager
def no_init():
    """Skip the (slow, useless) default weight initialisation."""
    names = [
        "normal_",
        "uniform_",
        "kaiming_uniform_",
        "kaiming_normal_",
        "xavier_uniform_",
        "trunc_normal_",
    ]
    ident = lambda t, *a, **k: t
    with swap(torch.nn.init, **{n: ident for n in names}):
        yield


def build_t3(dims):
    r = import_reference()
    t = dims["t3"]
    hp = t3_hp(dims)
    P = r.cond_enc.Perceiver
    if t["backbone"] == "llama":
        mk = lambda: P(
            t["perceiver_queries"], t["hidden_size"], t["hidden_size"], t["perceiver_heads"]
        )
    else:
        mk = P
    with swap(r.cond_enc, Perceiver=mk), quiet():
        m = r.t3mod.T3(hp)
    return m.eval()


def build_ve(dims):
    r = import_reference()
    hp = r.VoiceEncConfig()
    hp.ve_hidden_size = dims["ve"]["hidden"]
    hp.speaker_embed_size = dims["ve"]["embed"]
    return r.vemod.VoiceEncoder(hp).eval()


def _campplus(r, c):
    X = r.xvector

    def make(**kw):
        from collections import OrderedDict

        m = X.CAMPPlus.__new__(X.CAMPPlus)
        torch.nn.Module.__init__(m)
        m.head = X.FCM(feat_dim=c["feat_dim"], m_channels=c["m_channels"])
        m.output_level = "segment"
        ch = c["init_channels"]
        m.xvector = torch.nn.Sequential(
            OrderedDict(
                [
                    (
                        "tdnn",
                        X.TDNNLayer(
                            m.head.out_channels,
                            ch,
                            5,
                            stride=2,
                            dilation=1,
                            padding=-1,
                            config_str="batchnorm-relu",
                        ),
                    )
                ]
            )
        )
        for i, (n, dil) in enumerate(zip(c["layers"], c["dilations"])):
            m.xvector.add_module(
                "block%d" % (i + 1),
                X.CAMDenseTDNNBlock(
                    num_layers=n,
                    in_channels=ch,
                    out_channels=c["growth"],
                    bn_channels=c["bn_size"] * c["growth"],
                    kernel_size=3,
                    dilation=dil,
                    config_str="batchnorm-relu",
                    memory_efficient=False,
                ),
            )
            ch += n * c["growth"]
            m.xvector.add_module("transit%d" % (i + 1), X.TransitLayer(ch, ch // 2, bias=False))
            ch //= 2
        m.xvector.add_module("out_nonlinear", X.get_nonlinear("batchnorm-relu", ch))
        m.xvector.add_module("stats", X.StatsPool())
        m.xvector.add_module("dense", X.DenseLayer(ch * 2, c["embedding"], config_str="batchnorm_"))
        return m

    return make


def _s3tokenizer(r, c):
    cls, v2 = r.tokmod.S3Tokenizer, r.s3v2
    cfg = v2.S3TokenizerV2.__init__.__defaults__[0]  # the shared default ModelConfig

    def make(name):
        with swap(
            cfg, n_audio_state=c["n_state"], n_audio_head=c["n_head"], n_audio_layer=c["n_layer"]
        ):
            m = cls(name)
        m.encoder.freqs_cis = v2.precompute_freqs_cis(c["n_state"] // c["n_head"], 2048)
        return m

    return make


def build_s3gen(dims):
    """The reference's own S3Token2Wav.__init__, with the constructors it calls resized."""
    r = import_reference()
    S = r.s3mod
    f, c, h = dims["flow"], dims["cfm"], dims["hift"]
    if dims["size"] == "full":
        with quiet():
            return S.S3Token2Wav(meanflow=c["meanflow"]).eval()
    E, D, F_, H, P = (
        S.UpsampleConformerEncoder,
        S.ConditionalDecoder,
        S.CausalMaskedDiffWithXvec,
        S.HiFTGenerator,
        S.ConvRNNF0Predictor,
    )

    def enc(**kw):
        kw.update(
            output_size=f["encoder_dim"],
            input_size=f["input_size"],
            attention_heads=f["encoder_heads"],
            linear_units=f["linear_units"],
            num_blocks=f["num_blocks"],
        )
        m = E(**kw)
        m.pre_lookahead_layer = r.encmod.PreLookaheadLayer(f["encoder_dim"], f["pre_lookahead_len"])
        m.up_layer = r.encmod.Upsample1D(f["encoder_dim"], f["encoder_dim"], 2)
        # the reference feeds encoder_dim-wide frames to up_embed (input_size == output_size there)
        up = type(m.up_embed)
        m.up_embed = up(
            f["encoder_dim"],
            f["encoder_dim"],
            0.1,
            r.embmod.EspnetRelPositionalEncoding(f["encoder_dim"], 0.1),
        )
        m.up_encoders = torch.nn.ModuleList(list(m.up_encoders)[: f["num_up_blocks"]])
        return m

    def dec(**kw):
        kw.update(
            channels=[c["channels"]],
            attention_head_dim=c["attention_head_dim"],
            num_heads=c["num_heads"],
            n_blocks=c["n_blocks"],
            num_mid_blocks=c["num_mid_blocks"],
        )
        return D(**kw)

    def flow(**kw):
        return F_(input_size=f["input_size"], spk_embed_dim=dims["campplus"]["embedding"], **kw)

    def hift(**kw):
        return H(base_channels=h["base_channels"], **kw)

    with swap(
        S,
        UpsampleConformerEncoder=enc,
        ConditionalDecoder=dec,
        CausalMaskedDiffWithXvec=flow,
        HiFTGenerator=hift,
        ConvRNNF0Predictor=lambda: P(cond_channels=h["f0_channels"]),
        CAMPPlus=_campplus(r, dims["campplus"]),
        S3Tokenizer=_s3tokenizer(r, dims["s3tok"]),
    ), quiet():
        m = S.S3Token2Wav(meanflow=c["meanflow"])
    return m.eval()


class FixedRandom:
    """While active: torch.randn / randn_like / Uniform.sample / multinomial draw from a seeded
    stream and every draw is logged, so the golden can hold the numbers as inputs.
    multinomial becomes inverse-CDF sampling: first index with cumsum(p) > u (fp64 cumsum)."""

    def __init__(self, seed):
        self.g = torch.Generator().manual_seed(seed)
        self.log = []
        self.u = []

    def _note(self, kind, v):
        self.log.append((kind, v.clone()))
        return v

    def randn_like(self, x, **k):
        return self._note("randn", torch.randn_orig(x.shape, generator=self.g).to(x.dtype))

    def randn(self, *shape, **k):
        shape = (
            shape[0]
            if len(shape) == 1 and isinstance(shape[0], (tuple, list, torch.Size))
            else shape
        )
        return self._note("randn", torch.randn_orig(tuple(shape), generator=self.g))

    def uniform(self, dist, sample_shape=torch.Size()):
        u = torch.rand(tuple(sample_shape), generator=self.g)
        return self._note("uniform", dist.low + u * (dist.high - dist.low))

    def multinomial(self, probs, num_samples=1, **k):
        u = torch.rand(1, generator=self.g).item()
        self.u.append(u)
        c = torch.cumsum(probs[0].double(), 0)
        idx = int(
            torch.searchsorted(c, torch.tensor(u * float(c[-1]), dtype=torch.float64), right=True)
        )
        idx = min(idx, probs.shape[-1] - 1)
        return torch.tensor([[idx]])

    def __enter__(self):
        from torch.distributions.uniform import Uniform

        self.saved = (torch.randn_like, torch.randn, torch.multinomial, Uniform.sample)
        torch.randn_orig = torch.randn
        torch.randn_like, torch.randn, torch.multinomial = (
            self.randn_like,
            self.randn,
            self.multinomial,
        )
        me = self
        Uniform.sample = lambda dist, sample_shape=torch.Size(): me.uniform(dist, sample_shape)
        return self

    def __exit__(self, *a):
        from torch.distributions.uniform import Uniform

        torch.randn_like, torch.randn, torch.multinomial, Uniform.sample = self.saved
        return False

    def take(self, kind):
        return [v for k, v in self.log if k == kind]


@contextlib.contextmanager
def FixedZeroPhase():
    from torch.distributions.uniform import Uniform

    old = Uniform.sample
    Uniform.sample = lambda dist, sample_shape=torch.Size(): torch.zeros(tuple(sample_shape))
    try:
        yield
    finally:
        Uniform.sample = old


CONFIG_NAME = "oracle_config.json"


def load_dims(ckpt):
    with open(os.path.join(ckpt, CONFIG_NAME)) as f:
        return json.load(f)


def load_models(ckpt, want=("t3", "s3gen", "ve")):
    from safetensors.torch import load_file

    dims = load_dims(ckpt)
    fam = dims["family"]
    out = {}
    with no_init():
        if "t3" in want:
            m = build_t3(dims)
            m.load_state_dict(load_file(os.path.join(ckpt, T3_FILE[fam])))
            if fam in TURBO_LIKE:
                del m.tfmr.wte
            out["t3"] = m
        if "s3gen" in want:
            m = build_s3gen(dims)
            m.load_state_dict(
                load_file(os.path.join(ckpt, S3GEN_FILE[fam])), strict=fam in TURBO_LIKE
            )
            out["s3gen"] = m
        if "ve" in want:
            m = build_ve(dims)
            m.load_state_dict(load_file(os.path.join(ckpt, "ve.safetensors")))
            out["ve"] = m
    return dims, out


def load_tokenizer(ckpt, fam):
    r = import_reference()
    with quiet():
        if fam == "original":
            return r.txtmod.EnTokenizer(os.path.join(ckpt, "tokenizer.json"))
        if fam == "multilingual":
            with swap(r.txtmod, hf_hub_download=lambda **k: os.path.join(ckpt, "Cangjie5_TC.json")):
                return r.txtmod.MTLTokenizer(
                    os.path.join(ckpt, "grapheme_mtl_merged_expanded_v1.json")
                )
        from transformers import AutoTokenizer

        t = AutoTokenizer.from_pretrained(ckpt)
        if t.pad_token is None:
            t.pad_token = t.eos_token
        return t


def load_conds(ckpt):
    r = import_reference()
    return r.tts.Conditionals.load(os.path.join(ckpt, "conds.pt"))
