"""Text: a byte-level tokenizer and a T5 encoder, trained here or any pretrained T5 or UMT5 in their place.

Legend: B prompts, L tokens of the longest of them, d width of the encoder.
"""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, tensor
from transformers import (
    AutoConfig,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    UMT5EncoderModel,
)

MAX_LENGTH = 128
PAD, END = "<pad>", "</s>"
TextEncoder = T5EncoderModel | UMT5EncoderModel


def build_tokenizer(corpus: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer on `corpus` (Sennrich et al. 2016; on bytes, Radford et al. 2019).

    Words it has never seen, emoji and every other script fall apart into bytes: there is no unknown token.
    Upper and lower case are one. Raises ValueError when `vocab_size` cannot hold the 256 bytes and the two
    special tokens.
    """
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    smallest = len(alphabet) + 2
    if vocab_size < smallest:
        raise ValueError(f"vocab_size={vocab_size}: too small for bytes; allowed from {smallest}; try 1024")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, END],
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, tokenizer.token_to_id(END))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END)


def build_text_encoder(
    tokenizer: PreTrainedTokenizerBase, width: int, depth: int, heads: int
) -> T5EncoderModel:
    """A T5 encoder (v1.1, gated GELU; Raffel et al. 2020, Shazeer 2020) for `tokenizer`, random weights."""
    if width % heads:
        raise ValueError(f"width={width}: no multiple of the {heads} heads; try width={32 * heads}")
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=width,
        d_kv=width // heads,
        d_ff=2 * width,
        num_layers=depth,
        num_heads=heads,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return T5EncoderModel(config)


def load_text_encoder(folder: str | Path) -> tuple[PreTrainedTokenizerBase, TextEncoder]:
    """Tokenizer and encoder from a local folder of a T5 or UMT5 model, as it is saved.

    Both lie in the folder itself or, as in a diffusers pipeline, in its `tokenizer` and `text_encoder`.
    Raises ValueError when the folder is missing, holds another kind of model, or its weights are incomplete.
    """
    folder = Path(folder)
    weights = folder / "text_encoder" if (folder / "text_encoder").is_dir() else folder
    words = folder / "tokenizer" if (folder / "tokenizer").is_dir() else folder
    named = f"folder={str(folder)!r}"
    if not (weights / "config.json").is_file():
        raise ValueError(f"{named}: no config.json; allowed a saved T5 or UMT5; try its path")
    classes = {"t5": T5EncoderModel, "umt5": UMT5EncoderModel}
    kind = AutoConfig.from_pretrained(weights, local_files_only=True).model_type
    if kind not in classes:
        raise ValueError(f"{named}: holds a {kind!r} model; allowed {list(classes)}; try a UMT5")
    encoder, report = classes[kind].from_pretrained(
        weights, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"{named}: {len(missing)} weights missing, {missing[0]} first; try a new copy")
    return AutoTokenizer.from_pretrained(words, local_files_only=True), encoder.eval()


def encode_prompts(
    tokenizer: PreTrainedTokenizerBase,
    encoder: TextEncoder,
    prompts: Sequence[str],
    max_length: int = MAX_LENGTH,
) -> tuple[Tensor, Tensor]:
    """States (B, L, d) and mask (B, L) bool, True = token, of the prompts. Gradients reach the encoder.

    The empty prompt has an all-False mask: unconditional. A prompt of more than `max_length` tokens is cut,
    and a warning says so. Raises ValueError when `prompts` is a bare string or empty.
    """
    if isinstance(prompts, str) or not prompts:
        raise ValueError(
            f"prompts={prompts!r}: not a list of prompts; allowed one or more strings; try [prompt]"
        )
    for prompt, tokens in zip(prompts, tokenizer(list(prompts))["input_ids"], strict=True):
        if len(tokens) > max_length:
            warnings.warn(
                f"prompt {prompt[:40]!r}… has {len(tokens)} tokens; only the first {max_length} are read",
                stacklevel=2,
            )
    batch = tokenizer(
        list(prompts), padding=True, truncation=True, max_length=max_length, return_tensors="pt"
    ).to(encoder.device)
    states = encoder(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    said = tensor([bool(prompt.strip()) for prompt in prompts], device=states.device)
    mask = batch["attention_mask"].to(states.device)  # an encoder that is loaded for each call runs elsewhere
    return states, mask.bool() & said[:, None]
