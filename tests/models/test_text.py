"""The tokenizer never breaks, the encoder pads without a trace, pretrained folders take their place."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import (
    AutoTokenizer,
    BertConfig,
    T5Config,
    T5EncoderModel,
    T5ForConditionalGeneration,
    UMT5Config,
    UMT5EncoderModel,
)

from cvsr.models.text import build_text_encoder, build_tokenizer, encode_prompts, load_text_encoder

CORPUS = [
    f"a {colour} {thing} rolls over the {ground}"
    for colour in ("red", "teal", "amber")
    for thing in ("ball", "kettle", "lantern")
    for ground in ("meadow", "parquet", "sand")
]
TOKENIZER = build_tokenizer(CORPUS, vocab_size=320)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return build_text_encoder(TOKENIZER, width=16, depth=2, heads=2).eval()


@settings(max_examples=200)
@given(st.text())
def test_every_text_is_tokenised_without_unknowns_and_comes_back(text):
    tokens = TOKENIZER(text)["input_ids"]
    assert None not in tokens
    assert tokens[-1] == TOKENIZER.eos_token_id
    normalised = TOKENIZER.backend_tokenizer.normalizer.normalize_str(text)
    decoded = TOKENIZER.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if "<pad>" not in text and "</s>" not in text:
        assert decoded.removeprefix(" ") == normalised.removeprefix(" ")


def test_words_of_the_corpus_take_few_tokens_and_case_does_not_matter():
    assert len(TOKENIZER("a teal kettle")["input_ids"]) <= 6
    assert TOKENIZER("A Teal KETTLE")["input_ids"] == TOKENIZER("a teal kettle")["input_ids"]


def test_training_is_repeatable():
    assert build_tokenizer(CORPUS, vocab_size=320).get_vocab() == TOKENIZER.get_vocab()


def test_a_saved_tokenizer_is_the_same_tokenizer(tmp_path):
    TOKENIZER.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    for text in ("a red ball", "xylophone 🎺 Ünïcødé", ""):
        assert loaded(text)["input_ids"] == TOKENIZER(text)["input_ids"]


def test_prompts_of_any_kind_are_encoded(encoder):
    prompts = ["a red ball", "", "   ", "blorptastic 🦜🦜 日本語 \x00 \n"]
    states, mask = encode_prompts(TOKENIZER, encoder, prompts)
    assert states.shape == (4, mask.shape[1], 16)
    assert states.isfinite().all()
    assert mask.dtype == torch.bool
    assert mask.any(dim=1).tolist() == [True, False, False, True]
    assert mask[0].sum() == len(TOKENIZER(prompts[0])["input_ids"])


def test_a_batch_equals_single_prompts(encoder):
    prompts = ["a red ball", "an amber lantern rolls over the parquet and a teal kettle"]
    states, mask = encode_prompts(TOKENIZER, encoder, prompts)
    for index, prompt in enumerate(prompts):
        alone, _ = encode_prompts(TOKENIZER, encoder, [prompt])
        torch.testing.assert_close(states[index, mask[index]], alone[0], atol=1e-5, rtol=1e-5)


def test_long_prompts_are_cut_with_a_warning(encoder):
    with pytest.warns(UserWarning, match="has [0-9]+ tokens; only the first 12 are read"):
        states, mask = encode_prompts(TOKENIZER, encoder, ["a red ball " * 500, "sand"], max_length=12)
    assert states.shape[1] == 12
    assert mask[0].all()
    assert 0 < mask[1].sum() < 12


def test_gradients_reach_the_encoder(encoder):
    states, _ = encode_prompts(TOKENIZER, encoder, ["a red ball"])
    states.square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())
    encoder.zero_grad()


def test_a_saved_encoder_is_the_same_encoder(encoder, tmp_path):
    encoder.save_pretrained(tmp_path / "text_encoder")
    TOKENIZER.save_pretrained(tmp_path / "tokenizer")
    tokenizer, loaded = load_text_encoder(tmp_path)
    assert isinstance(loaded, T5EncoderModel)
    prompts = ["a red ball", "sand"]
    torch.testing.assert_close(
        encode_prompts(tokenizer, loaded, prompts), encode_prompts(TOKENIZER, encoder, prompts)
    )


def test_a_umt5_folder_takes_its_place(tmp_path):
    config = UMT5Config(
        vocab_size=len(TOKENIZER),
        d_model=24,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=3,
        pad_token_id=TOKENIZER.pad_token_id,
        eos_token_id=TOKENIZER.eos_token_id,
    )
    UMT5EncoderModel(config).save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    tokenizer, encoder = load_text_encoder(tmp_path)
    assert isinstance(encoder, UMT5EncoderModel)
    states, mask = encode_prompts(tokenizer, encoder, ["a red ball", ""])
    assert states.shape == (2, mask.shape[1], 24)
    assert mask.any(dim=1).tolist() == [True, False]


def test_the_encoder_of_a_whole_t5_is_taken(encoder, tmp_path):
    config = T5Config(**encoder.config.to_dict() | {"num_decoder_layers": 1, "is_encoder_decoder": True})
    whole = T5ForConditionalGeneration(config).eval()
    whole.save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    tokens = TOKENIZER(["a red ball"], return_tensors="pt")
    states, _ = encode_prompts(*load_text_encoder(tmp_path), ["a red ball"])
    torch.testing.assert_close(states, whole.encoder(tokens["input_ids"]).last_hidden_state)


def test_incomplete_weights_are_refused(encoder, tmp_path):
    encoder.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    lost = next(name for name in weights if "layer_norm" in name)
    save_file(
        {name: w for name, w in weights.items() if name != lost},
        tmp_path / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(ValueError, match=f"1 weights missing, {lost} first"):
        load_text_encoder(tmp_path)


def test_callers_mistakes_are_named(encoder, tmp_path):
    with pytest.raises(ValueError, match="vocab_size=100: too small for bytes; allowed from 258"):
        build_tokenizer(CORPUS, 100)
    with pytest.raises(ValueError, match="width=10: no multiple of the 3 heads"):
        build_text_encoder(TOKENIZER, width=10, depth=1, heads=3)
    with pytest.raises(ValueError, match="prompts='a red ball': not a list"):
        encode_prompts(TOKENIZER, encoder, "a red ball")
    with pytest.raises(ValueError, match="prompts="):
        encode_prompts(TOKENIZER, encoder, [])
    with pytest.raises(ValueError, match=r"folder=.*no config\.json"):
        load_text_encoder(tmp_path / "nowhere")
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="holds a 'bert' model; allowed"):
        load_text_encoder(tmp_path)
