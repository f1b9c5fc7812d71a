//! From text to the numbers of its tokens.
use super::{DataError, DataReport};
use crate::recipe::{Recipe, TokenSpec, suggest};
use ::tokenizers::models::wordlevel::{WordLevel, WordLevelTrainer};
use ::tokenizers::normalizers::Lowercase;
use ::tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use ::tokenizers::pre_tokenizers::whitespace::Whitespace;
use ::tokenizers::tokenizer::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, SplitDelimiterBehavior,
    Tokenizer, TokenizerImpl,
};
use rayon::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Names of what fills short texts up, the likeliest first.
const PADDING_NAMES: [&str; 4] = ["[PAD]", "<pad>", "<|pad|>", "<PAD>"];
/// What stands for a token that is not in the vocabulary.
const UNKNOWN: &str = "[UNK]";

/// A tokenizer, and what is known of its vocabulary.
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    /// One more than the largest number of a token.
    pub(crate) vocabulary: usize,
    /// Fills short texts up.
    pub(crate) padding: u32,
    /// As the library writes it, to be kept with the model.
    pub(crate) json: String,
}

impl Tokens {
    /// The tokenizer that a recipe names; one of words or characters learns its vocabulary from these texts, the commonest first.
    pub(crate) fn open<'a>(
        spec: &TokenSpec,
        recipe: &Recipe,
        texts: impl Iterator<Item = &'a str> + Send,
    ) -> Result<Self, DataError> {
        let place = recipe.place("data.examples.tokenizer").to_owned();
        let json = match spec.tokenizer.as_str() {
            "words" => learn(spec, Unit::Words, texts),
            "characters" => learn(spec, Unit::Characters, texts),
            path if super::files::ending(path.as_ref()).as_deref() == Some("json") => {
                let path = recipe.origin.resolve(path.as_ref());
                std::fs::read_to_string(&path).map_err(|error| match error.kind() {
                    std::io::ErrorKind::NotFound => {
                        format!("there is no file {}{}", path.display(), super::nearby_files(&path, &["json"]))
                    }
                    _ => format!("{} cannot be read: {error}", path.display()),
                })
            }
            unknown => {
                let hint = suggest::hint(unknown, ["words", "characters", "tokenizer.json"]);
                Err(format!("unknown tokenizer {unknown:?}{hint}"))
            }
        };
        let json = json.map_err(|text| DataError::content(&*place, text))?;
        Self::parse(json).map_err(|text| {
            DataError::content(
                place,
                format!(
                    "{:?} is no tokenizer that can be read ({text}); save it with the tokenizers library",
                    spec.tokenizer
                ),
            )
        })
    }

    fn parse(json: String) -> Result<Self, String> {
        // What a hostile file can make the library do is not ours to know.
        let read = catch_unwind(AssertUnwindSafe(|| Tokenizer::from_bytes(json.as_bytes())));
        let mut tokenizer = read.map_err(|_| "the library gave up".to_owned())?.map_err(|error| error.to_string())?;
        let padding = tokenizer.get_padding().map(|padding| padding.pad_id);
        let padding =
            padding.or_else(|| PADDING_NAMES.iter().find_map(|name| tokenizer.token_to_id(name))).unwrap_or(0);
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
        let vocabulary = tokenizer.get_vocab(true).into_values().max().map_or(0, |largest| largest as usize + 1);
        if vocabulary == 0 {
            return Err("it has no vocabulary".to_owned());
        }
        Ok(Self { tokenizer, vocabulary, padding, json })
    }

    /// The tokens of each text; `special` adds those that the tokenizer puts around a text.
    pub(crate) fn encode(&self, texts: &[&str], special: bool) -> Result<Vec<Vec<u32>>, String> {
        let encode = |text: &&str| {
            catch_unwind(AssertUnwindSafe(|| self.tokenizer.encode_fast(*text, special)))
                .map_err(|_| "the tokenizer gave up".to_owned())?
                .map(|encoding| encoding.get_ids().to_vec())
                .map_err(|error| error.to_string())
        };
        texts.par_iter().map(encode).collect()
    }

    /// What each number stands for.
    pub(crate) fn names(&self) -> Vec<String> {
        (0..self.vocabulary).map(|id| self.tokenizer.id_to_token(id as u32).unwrap_or_default()).collect()
    }

    /// Notes what a recipe needs to know of the vocabulary.
    pub(crate) fn note(&self, file: &str, report: &mut DataReport) {
        let text = format!(
            "the vocabulary has {} tokens, so an embedding needs vocabulary = {}; {} fills up",
            self.vocabulary, self.vocabulary, self.padding
        );
        report.note(file, text);
    }
}

/// What a token is.
#[derive(Clone, Copy)]
enum Unit {
    /// Letters and digits in a row, in small letters, or punctuation in a row.
    Words,
    /// One character.
    Characters,
}

/// A vocabulary of what is found in texts, as JSON.
fn learn<'a>(spec: &TokenSpec, unit: Unit, texts: impl Iterator<Item = &'a str> + Send) -> Result<String, String> {
    type Plain = TokenizerImpl<WordLevel, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;
    let build = || -> Result<String, ::tokenizers::tokenizer::Error> {
        let mut tokenizer = Plain::new(WordLevel::builder().unk_token(UNKNOWN.to_owned()).build()?);
        match unit {
            Unit::Words => {
                tokenizer.with_normalizer(Some(Lowercase))?;
                tokenizer.with_pre_tokenizer(Some(Whitespace {}));
            }
            Unit::Characters => {
                let any = SplitPattern::Regex("(?s).".to_owned());
                tokenizer.with_pre_tokenizer(Some(Split::new(any, SplitDelimiterBehavior::Isolated, false)?));
            }
        }
        let mut trainer = WordLevelTrainer::builder()
            .vocab_size(spec.vocabulary as usize)
            .show_progress(false)
            .special_tokens(vec![AddedToken::from(PADDING_NAMES[0], true), AddedToken::from(UNKNOWN, true)])
            .build()?;
        tokenizer.train(&mut trainer, texts)?;
        tokenizer.to_string(false)
    };
    build().map_err(|error| format!("no vocabulary can be made of the texts: {error}"))
}
