//! Finds the model type in a checkpoint's name: `openai/whisper-tiny` is a `whisper`.
//!
//! Names and types are split into tokens at separators and between letters and digits, so that `blip2`, `blip-2` and
//! `BLIP_2` are equal and `vitmatte` does not match `vit`. The type that starts earliest in the name wins, and of
//! several that start there, the longest: in `detr-resnet-50` and `llava-v1.6-mistral-7b` the first word is the model
//! and the other a component. The organisation is searched only if the repository name has no match.
//!
//! This module knows names; it does not know tasks or families.

use std::collections::HashMap;

use crate::model::names::ModelName;
use crate::model::size::in_millions;

/// Finds known model types in names.
#[derive(Debug, Clone, Default)]
pub struct TypeIndex {
    /// The position of each type, by its tokens joined with `-`.
    types: HashMap<String, usize>,
    /// The number of tokens of the longest type that starts with this token.
    longest: HashMap<String, usize>,
}

impl TypeIndex {
    /// An index of model types; of two types with equal tokens, the first one wins.
    #[must_use]
    pub fn new<'a>(model_types: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let mut index = Self::default();
        for (position, model_type) in model_types.clone().into_iter().enumerate() {
            index.insert(&Tokens::new(model_type), position);
        }
        for (position, model_type) in model_types.into_iter().enumerate() {
            index.insert(&Tokens::new(&run_together(model_type)), position);
        }
        for (alias, model_type) in ALIASES {
            if let Some(position) = index.types.get(&Tokens::new(model_type).text).copied() {
                index.insert(&Tokens::new(alias), position);
            }
        }
        index
    }

    /// The index, in the list that was passed to `new`, of the type that the name contains.
    #[must_use]
    pub fn find(&self, name: &ModelName) -> Option<usize> {
        let (organisation, repository) = name.segments();
        self.find_in(repository).or_else(|| self.find_in(organisation?))
    }

    fn find_in(&self, segment: &str) -> Option<usize> {
        let tokens = Tokens::new(segment);
        tokens.starts().find_map(|first| self.longest_from(&tokens, first))
    }

    fn longest_from(&self, tokens: &Tokens, first: usize) -> Option<usize> {
        let longest = *self.longest.get(tokens.window(first, first))?;
        let last = (first + longest).min(tokens.spans.len());
        (first..last)
            .rev()
            .filter(|last| tokens.can_end(*last))
            .find_map(|last| self.types.get(tokens.window(first, last)))
            .copied()
    }

    fn insert(&mut self, tokens: &Tokens, position: usize) {
        if tokens.spans.is_empty() {
            return;
        }
        self.types.entry(tokens.text.clone()).or_insert(position);
        let longest = self.longest.entry(tokens.window(0, 0).to_owned()).or_default();
        *longest = tokens.spans.len().max(*longest);
    }
}

/// A text cut into runs of letters and runs of digits, joined again with `-` in lower case.
struct Tokens {
    text: String,
    spans: Vec<Token>,
}

struct Token {
    start: usize,
    end: usize,
    begins_word: bool,
    is_number: bool,
}

impl Tokens {
    fn new(text: &str) -> Self {
        let mut tokens = Self { text: String::with_capacity(text.len() + 8), spans: Vec::with_capacity(8) };
        for word in words(text) {
            tokens.push_word(word);
        }
        tokens
    }

    fn push_word(&mut self, mut word: &str) {
        let mut begins_word = true;
        while let Some(first) = word.bytes().next() {
            let is_number = first.is_ascii_digit();
            let length = word.bytes().take_while(|byte| byte.is_ascii_digit() == is_number).count();
            self.push(&word[..length], begins_word, is_number);
            word = &word[length..];
            begins_word = false;
        }
    }

    fn push(&mut self, token: &str, begins_word: bool, is_number: bool) {
        if !self.text.is_empty() {
            self.text.push('-');
        }
        let start = self.text.len();
        self.text.extend(token.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
        self.spans.push(Token { start, end: self.text.len(), begins_word, is_number });
    }

    /// The tokens from `first` to `last`, both inclusive.
    fn window(&self, first: usize, last: usize) -> &str {
        &self.text[self.spans[first].start..self.spans[last].end]
    }

    /// The tokens where a match may start: never inside a word, so that a `4bit` model is not a `BiT`.
    fn starts(&self) -> impl Iterator<Item = usize> {
        (0..self.spans.len()).filter(|at| self.spans[*at].begins_word)
    }

    /// Whether a match may end with this token: at the end of a word, or before its version number.
    fn can_end(&self, at: usize) -> bool {
        self.spans.get(at + 1).is_none_or(|next| next.begins_word || next.is_number)
    }
}

/// The words of a text, without those that state a size: `gemma-2b` does not contain `gemma2`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_separator = |char: char| !char.is_ascii_alphanumeric();
    text.split(move |char| is_separator(char) && char != '.')
        .filter(|word| in_millions(word).is_none())
        .flat_map(move |word| word.split(is_separator))
        .filter(|word| !word.is_empty())
}

fn run_together(model_type: &str) -> String {
    model_type.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Checkpoints that are named after something other than their model type.
const ALIASES: &[(&str, &str)] = &[
    ("ast-finetuned", "audio-spectrogram-transformer"),
    ("bloomz", "bloom"),
    ("byt5", "t5"),
    ("codellama", "llama"),
    // Version 3 of the weights uses the code of version 2.
    ("deberta-v3", "deberta-v2"),
    ("dialogpt", "gpt2"),
    // Vision transformers trained with DINO; `vits` alone is a speech model.
    ("dino-vitb", "vit"),
    ("dino-vits", "vit"),
    ("dinov3-vitb", "dinov3_vit"),
    ("dinov3-vith", "dinov3_vit"),
    ("dinov3-vitl", "dinov3_vit"),
    ("dinov3-vits", "dinov3_vit"),
    ("distilbart", "bart"),
    ("distilgpt2", "gpt2"),
    ("distilroberta", "roberta"),
    ("donut", "vision-encoder-decoder"),
    ("gpt-j", "gptj"),
    ("minilm", "bert"),
    ("mms-tts", "vits"),
    ("nllb-200", "m2m_100"),
    ("nomic-embed", "nomic_bert"),
    ("opus-mt", "marian"),
    ("pythia", "gpt_neox"),
    ("qwen1.5", "qwen2"),
    ("starcoder", "gpt_bigcode"),
    ("switch-base", "switch_transformers"),
    ("tinyllama", "llama"),
    ("vicuna", "llama"),
    ("vit-gpt2", "vision-encoder-decoder"),
    ("w2v-bert", "wav2vec2-bert"),
    ("wav2vec", "wav2vec2"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TYPES: &[&str] = &[
        "bart",
        "bert",
        "big_bird",
        "bigbird_pegasus",
        "bit",
        "blip",
        "blip-2",
        "clip",
        "deberta",
        "deberta-v2",
        "depth_pro",
        "detr",
        "distilbert",
        "esm",
        "gemma",
        "gemma2",
        "gpt2",
        "gpt_neox",
        "gptj",
        "llama",
        "llama4",
        "llava",
        "m2m_100",
        "mamba",
        "mamba2",
        "mistral",
        "mixtral",
        "opt",
        "phi",
        "phi3",
        "qwen2",
        "qwen2_5_vl",
        "qwen3",
        "resnet",
        "roberta",
        "rt_detr",
        "t5",
        "vit",
        "vits",
        "wav2vec2",
        "wav2vec2-bert",
        "whisper",
        "xlm",
        "xlm-roberta",
    ];

    fn find(types: &[&'static str], name: &str) -> Option<&'static str> {
        TypeIndex::new(types.iter().copied()).find(&ModelName::new(name).unwrap()).map(|position| types[position])
    }

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(find(TYPES, name).unwrap_or("-"), expected, "{name}");
    }

    #[test]
    fn a_type_is_found_at_word_borders() {
        check("bert-base-uncased", "bert");
        check("openai/whisper-tiny", "whisper");
        check("google/vit-base-patch16-224", "vit");
        check("facebook/opt-125m", "opt");
        check("google/flan-t5-small", "t5");
        check("facebook/bart-large-mnli", "bart");
        check("distilbert-base", "distilbert");
        check("mistralai/Mixtral-8x7B", "mixtral");
        check("vitmatte-small", "-");
        check("vit-s-16", "vit");
        check("sembert-large", "-");
    }

    #[test]
    fn separators_and_case_make_no_difference() {
        check("BERT_Base", "bert");
        check("EleutherAI/gpt-neox-20b", "gpt_neox");
        check("Salesforce/blip2-itm", "blip-2");
        check("GPT-2", "gpt2");
        check("google/bigbird-roberta-base", "big_bird");
        check("PekingU/rtdetr_r50vd", "rt_detr");
        check("apple/DepthPro-hf", "depth_pro");
        check("facebook/m2m100_418M", "m2m_100");
    }

    #[test]
    fn the_longest_type_wins_where_several_begin() {
        check("xlm-roberta-base", "xlm-roberta");
        check("xlm-mlm-en-2048", "xlm");
        check("google/bigbird-pegasus-large-arxiv", "bigbird_pegasus");
        check("facebook/wav2vec2-base-960h", "wav2vec2");
        check("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2_5_vl");
    }

    #[test]
    fn the_first_type_wins_over_a_longer_one_that_is_its_part() {
        check("facebook/detr-resnet-50", "detr");
        check("llava-hf/llava-v1.6-mistral-7b-hf", "llava");
        check("openai/clip-vit-base-patch32", "clip");
        check("Salesforce/blip2-opt-2.7b", "blip-2");
    }

    #[test]
    fn a_version_is_part_of_the_type_only_where_there_is_such_a_type() {
        check("meta-llama/Llama-3.1-8B", "llama");
        check("llama2-7b", "llama");
        check("meta-llama/Llama-4-Scout", "llama4");
        check("Qwen/Qwen2.5-7B", "qwen2");
        check("microsoft/phi-2", "phi");
        check("microsoft/Phi-3.5-mini", "phi3");
        check("facebook/esm2_t33_650M_UR50D", "esm");
    }

    #[test]
    fn a_size_is_not_a_version() {
        check("google/gemma-2b", "gemma");
        check("google/gemma-2-2b", "gemma2");
        check("state-spaces/mamba-2.8b-hf", "mamba");
    }

    #[test]
    fn the_organisation_is_asked_last() {
        check("distil-whisper/distil-large-v3", "whisper");
        check("llava-hf/bert-tiny", "bert");
        check("somebody/something", "-");
    }

    #[test]
    fn a_type_does_not_begin_inside_a_word() {
        check("4bit-llama-3", "llama");
        check("BiT-50", "bit");
    }

    #[test]
    fn checkpoints_with_names_of_their_own_are_known() {
        check("microsoft/deberta-v3-base", "deberta-v2");
        check("microsoft/deberta-base", "deberta");
        check("sentence-transformers/all-MiniLM-L6-v2", "bert");
        check("EleutherAI/gpt-j-6B", "gptj");
        check("facebook/dino-vits16", "vit");
        check("facebook/w2v-bert-2.0", "wav2vec2-bert");
        assert_eq!(find(&["llama"], "sentence-transformers/all-MiniLM-L6-v2"), None);
    }

    #[test]
    fn the_first_of_two_types_that_are_spelt_alike_wins() {
        assert_eq!(find(&["foo_bar", "foo-bar"], "Foo.Bar"), Some("foo_bar"));
        assert_eq!(find(&["foo_bar", "foobar"], "foobar"), Some("foobar"));
    }

    proptest! {
        #[test]
        fn every_type_is_found_in_a_checkpoint_of_it(at in 0..TYPES.len(), prefix in "(my-|acme/)?", suffix in "(-base|_x|)") {
            let name = format!("{prefix}{}{suffix}", TYPES[at]);
            prop_assert_eq!(find(TYPES, &name), Some(TYPES[at]));
        }
    }
}
