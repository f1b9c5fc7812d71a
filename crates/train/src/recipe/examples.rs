//! What one example is made of.
use super::visit::{Counts, Kind, Visitor, words};

/// Largest number of rows, tokens or pixels along one side that an example may have: our choice, far above any use.
const LONGEST: u64 = 1 << 24;
/// Largest side of an image: our choice.
const LARGEST_SIDE: u64 = 1 << 14;

words! {
    /// The colours of images.
    Channels, "channels", {
        /// One value a pixel.
        Gray = "gray",
        /// Red, green and blue.
        Rgb = "rgb",
    }
}

words! {
    /// How images are brought to one size.
    Resize, "resize", {
        /// The nearest pixel.
        Nearest = "nearest",
        /// A triangle over the pixels around; when an image shrinks, over all that fall together, as torchvision does with antialias.
        Bilinear = "bilinear",
        /// The cubic of Catmull and Rom.
        Bicubic = "bicubic",
        /// Lanczos' window of three lobes.
        Lanczos = "lanczos",
    }
}

words! {
    /// What becomes of an image that cannot be read.
    BrokenImages, "broken", {
        /// It is named, and nothing is trained.
        Error = "error",
        /// It is left out, and counted in a note.
        Skip = "skip",
    }
}

/// What one example is made of.
///
/// A recipe says `"rows"`, or gives a table: `[data.examples]` with `kind = "windows"` and `length = 24`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Examples {
    /// `rows`: each of one row of the file.
    #[default]
    Rows,
    /// `windows`: of a time series: rows that follow one another, in the order of the file, which is that of time. What comes in has the
    /// shape `[length, columns]`. The target columns are inputs too, with their past, unless `inputs` leaves them out. `validation` holds
    /// out the end of the series; windows across the cut are left out, and scales are fitted before it.
    Windows {
        /// Rows of inputs. Required.
        length: u64,
        /// Rows from the last one of the inputs to the first target. 1 is the next row; 0 is the last row of the window itself, whose
        /// targets are then no inputs. Default 1.
        ahead: u64,
        /// Rows of targets. Default 1; more only for targets that are numbers.
        horizon: u64,
        /// Rows from one window to the next. Default 1.
        stride: u64,
    },
    /// `images`: PNG and JPEG files. `file` is a folder that holds one folder for each class, named like it; classes are numbered in the
    /// order of their names. Values are from 0 to 1, in the shape `[channels, height, width]`; a `normalize` fits one scale a channel. In
    /// memory a value takes one byte; with `stream` each image is decoded when it is needed.
    Images {
        /// `height`, `width`, `channels`, `resize`, `crop`, `broken`.
        spec: ImageSpec,
    },
    /// `text`: the one input column of a `.csv` or `.parquet` holds a text, which becomes the numbers of its tokens, for an `embedding`
    /// layer. What comes in has the shape `[length]`.
    Text {
        /// `tokenizer`, `length`, `vocabulary`.
        spec: TokenSpec,
    },
    /// `next_tokens`: `file` is one long text, or a folder of `.txt` files. An example is a window of `length` tokens, and its targets are
    /// the tokens that follow each of them, one class a time step. `validation` holds out the end of the text.
    NextTokens {
        /// `tokenizer`, `length`, `vocabulary`.
        spec: TokenSpec,
        /// `stride`: tokens from one window to the next. Default: the length, so that they do not overlap.
        stride: Option<u64>,
    },
}

/// Images of a folder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageSpec {
    /// `height`: pixels, after resizing. Required.
    pub height: u64,
    /// `width`: pixels, after resizing. Required.
    pub width: u64,
    /// `channels`: `gray` or `rgb`. Transparency is left out. Default `rgb`.
    pub channels: Channels,
    /// `resize`: how other sizes are brought to this one: `nearest`, `bilinear`, `bicubic` or `lanczos`. Default `bilinear`.
    pub resize: Resize,
    /// `crop`: keep the shape of things and cut off what is too much at the sides, instead of squeezing. Default false.
    pub crop: bool,
    /// `broken`: what becomes of an image that cannot be read: `error` or `skip`. Default `error`.
    pub broken: BrokenImages,
}

impl ImageSpec {
    /// Channels, height and width.
    #[must_use]
    pub const fn shape(&self) -> [u64; 3] {
        let channels = match self.channels {
            Channels::Gray => 1,
            Channels::Rgb => 3,
        };
        [channels, self.height, self.width]
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.count("height", &mut self.height, Counts::between(1, LARGEST_SIDE), true);
        visitor.count("width", &mut self.width, Counts::between(1, LARGEST_SIDE), true);
        visitor.word("channels", &mut self.channels);
        visitor.word("resize", &mut self.resize);
        visitor.flag("crop", &mut self.crop);
        visitor.word("broken", &mut self.broken);
    }
}

impl Default for ImageSpec {
    fn default() -> Self {
        Self {
            height: 0,
            width: 0,
            channels: Channels::Rgb,
            resize: Resize::Bilinear,
            crop: false,
            broken: BrokenImages::Error,
        }
    }
}

/// Text in tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenSpec {
    /// `tokenizer`: the path of a `tokenizer.json` of Hugging Face's tokenizers; or `words` (small letters; letters and digits in a row, or
    /// punctuation in a row) or `characters`, whose vocabulary is learned from the training part. Default `words`.
    pub tokenizer: String,
    /// `length`: tokens of an example. A shorter text is filled up at its end with the padding token, number 0 unless the tokenizer has one;
    /// a longer one is cut. Required.
    pub length: u64,
    /// `vocabulary`: most tokens that `words` or `characters` tell apart, the commonest first, with `[PAD]` and `[UNK]` among them. Default
    /// 10000.
    pub vocabulary: u64,
}

impl TokenSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.text("tokenizer", &mut self.tokenizer);
        visitor.count("length", &mut self.length, Counts::between(1, LONGEST), true);
        visitor.count("vocabulary", &mut self.vocabulary, Counts::between(3, LONGEST), false);
    }
}

impl Default for TokenSpec {
    fn default() -> Self {
        Self { tokenizer: "words".to_owned(), length: 0, vocabulary: 10_000 }
    }
}

impl Kind for Examples {
    const WHAT: &'static str = "kind of examples";

    fn all() -> Vec<Self> {
        vec![
            Self::Rows,
            Self::Windows { length: 0, ahead: 1, horizon: 1, stride: 1 },
            Self::Images { spec: ImageSpec::default() },
            Self::Text { spec: TokenSpec::default() },
            Self::NextTokens { spec: TokenSpec::default(), stride: None },
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Windows { .. } => "windows",
            Self::Images { .. } => "images",
            Self::Text { .. } => "text",
            Self::NextTokens { .. } => "next_tokens",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::Rows => {}
            Self::Windows { length, ahead, horizon, stride } => {
                visitor.count("length", length, Counts::between(1, LONGEST), true);
                visitor.count("ahead", ahead, Counts::between(0, LONGEST), false);
                visitor.count("horizon", horizon, Counts::between(1, LONGEST), false);
                visitor.count("stride", stride, Counts::between(1, LONGEST), false);
            }
            Self::Images { spec } => spec.visit(visitor),
            Self::Text { spec } => spec.visit(visitor),
            Self::NextTokens { spec, stride } => {
                spec.visit(visitor);
                visitor.count_or_none("stride", stride, Counts::between(1, LONGEST));
            }
        }
    }
}

impl Examples {
    /// The word that a recipe uses.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind()
    }
}
