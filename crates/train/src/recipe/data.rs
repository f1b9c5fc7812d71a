//! Where the examples come from, and what is done to them.
use super::Examples;
use super::visit::{Counts, Kind, Limits, Section, Visitor, words};
use std::path::PathBuf;

words! {
    /// What the network learns to answer.
    Task, "task", {
        /// One of two classes.
        Binary = "binary",
        /// One of several classes.
        Multiclass = "multiclass",
        /// Any number of several labels, each 0 or 1.
        Multilabel = "multilabel",
        /// Real numbers.
        Regression = "regression",
    }
}

words! {
    /// What becomes of rows with an input or target that is NaN or infinite.
    Missing, "missing", {
        /// They are trained on, and the report shows what comes of it.
        Keep = "keep",
        /// They are left out.
        Drop = "drop",
        /// Inputs are filled with the mean of their column over the finite values of the training rows; rows with a bad target are left out.
        Mean = "mean",
    }
}

/// How columns are brought to a common scale: `x * scale + shift`, with both fitted on the training rows alone.
///
/// A recipe says `"none"`, `"standard"`, `"minmax"`, or gives the numbers: `{ scale = 0.0625, shift = 0.0 }`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Normalize {
    /// `none`: as they are.
    #[default]
    None,
    /// `standard`: each column to mean 0 and standard deviation 1.
    Standard,
    /// `minmax`: each column to 0..=1.
    MinMax,
    /// `fixed`: every column by the same given numbers.
    Fixed {
        /// Factor of every value. Default 1; not 0.
        scale: f64,
        /// Added after scaling. Default 0.
        shift: f64,
    },
}

impl Kind for Normalize {
    const WHAT: &'static str = "normalization";
    const UNSAID: Option<&'static str> = Some("fixed");

    fn all() -> Vec<Self> {
        vec![Self::None, Self::Standard, Self::MinMax, Self::Fixed { scale: 1.0, shift: 0.0 }]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Standard => "standard",
            Self::MinMax => "minmax",
            Self::Fixed { .. } => "fixed",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        if let Self::Fixed { scale, shift } = self {
            visitor.number("scale", scale, Limits::ANY);
            visitor.number("shift", shift, Limits::ANY);
        }
    }
}

impl Normalize {
    /// The word that a recipe uses.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind()
    }
}

/// `[data]`: the file, its columns, and how rows are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSpec {
    /// `file`: a `.csv`, `.parquet`, `.npz` or `.safetensors`, or a folder of files of one of these kinds, whose rows follow one another in
    /// the order of the files' names; for other `examples` than rows also what they say. Relative to the recipe. Absent only where code brings
    /// its own data set.
    pub file: Option<PathBuf>,
    /// `inputs`: names of columns, where `*` stands for any characters (`"pixel_*"`); for `.npz` and `.safetensors` the array, `"x"` if
    /// absent. Default: every column that is no target.
    pub inputs: Vec<String>,
    /// `target`: the column, or the list of columns, to answer; for `.npz` and `.safetensors` the array, `"y"` if absent.
    pub target: Vec<String>,
    /// `weight`: the column, or the array, of numbers of 0 or more by which the loss of each example counts, in training and where rows are
    /// held out; the `sample_weight` of Keras. The mean is divided by the number of examples, as Keras does, not by the sum of the weights, so
    /// that weights around 1 keep the loss on its scale. It goes together with `loss.class_weights`, whose sum does divide. Scores and metrics
    /// count every example alike. No input, unless `inputs` names it; of windows the weight in the first row of their targets. Default: all
    /// count alike.
    pub weight: Option<String>,
    /// `examples`: what one example is made of: `"rows"`, or a table for another kind. Default `rows`.
    pub examples: Examples,
    /// `normalize`: scaling of the inputs. Default `none`.
    pub normalize: Normalize,
    /// `normalize_target`: scaling of real targets; never applied to classes. Default `none`.
    pub normalize_target: Normalize,
    /// `missing`: what becomes of rows with values that are not finite: `keep`, `drop` or `mean`. Default `keep`.
    pub missing: Missing,
    /// `shuffle`: draw batches in a new random order each epoch. Default true.
    pub shuffle: bool,
    /// `validation`: share of the rows held out, chosen by the seed. 0 holds none out. Default 0; below 1.
    pub validation: f64,
    /// `validation_file`: another file, or folder, whose rows are held out, instead of a share; with the same columns, and read in the same way:
    /// with the classes, the scales and the vocabulary of `file`. Default: none.
    pub validation_file: Option<PathBuf>,
    /// `image`: channels, height and width of one example, for convolutions. Their product is the number of inputs.
    pub image: Option<[u64; 3]>,
    /// `drop_last`: leave out the last batch of an epoch when it is short. Default false.
    pub drop_last: bool,
    /// `stream`: leave the inputs on disk and read each batch from there, for data larger than the memory. Batches are the same to the last
    /// bit. Inputs of a `.csv` or `.parquet`, and packed arrays, are first written to a nameless file in `scratch`, 4 bytes for each value;
    /// other arrays are read where they lie. Targets are in memory. Default false.
    pub stream: bool,
    /// `scratch`: the folder that `stream` writes to, relative to the recipe. Default: the system's folder for temporary files.
    pub scratch: Option<PathBuf>,
    /// `prefetch`: batches that are gathered ahead on another thread, which never changes a result; 0 gathers each when it is needed.
    /// Default 2 where rows are read from disk or decoded, 0 where they lie in memory.
    pub prefetch: Option<u64>,
}

impl DataSpec {
    /// Whether rows are held out.
    pub(crate) const fn holds_out(&self) -> bool {
        self.validation > 0.0 || self.validation_file.is_some()
    }
}

impl Default for DataSpec {
    fn default() -> Self {
        Self {
            file: None,
            inputs: Vec::new(),
            target: Vec::new(),
            weight: None,
            examples: Examples::Rows,
            normalize: Normalize::None,
            normalize_target: Normalize::None,
            missing: Missing::Keep,
            shuffle: true,
            validation: 0.0,
            validation_file: None,
            image: None,
            drop_last: false,
            stream: false,
            scratch: None,
            prefetch: None,
        }
    }
}

impl Section for DataSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        let mut file = self.file.as_ref().map(|path| path.to_string_lossy().into_owned());
        visitor.text_or_none("file", &mut file);
        self.file = file.map(PathBuf::from);
        visitor.texts("inputs", &mut self.inputs);
        visitor.texts("target", &mut self.target);
        visitor.text_or_none("weight", &mut self.weight);
        visitor.choice("examples", &mut self.examples);
        visitor.choice("normalize", &mut self.normalize);
        visitor.choice("normalize_target", &mut self.normalize_target);
        visitor.word("missing", &mut self.missing);
        visitor.flag("shuffle", &mut self.shuffle);
        visitor.number("validation", &mut self.validation, Limits::BELOW_ONE);
        let mut file = self.validation_file.as_ref().map(|path| path.to_string_lossy().into_owned());
        visitor.text_or_none("validation_file", &mut file);
        self.validation_file = file.map(PathBuf::from);
        visitor.triple_or_none("image", &mut self.image, Counts::between(1, 1 << 20));
        visitor.flag("drop_last", &mut self.drop_last);
        visitor.flag("stream", &mut self.stream);
        let mut scratch = self.scratch.as_ref().map(|path| path.to_string_lossy().into_owned());
        visitor.text_or_none("scratch", &mut scratch);
        self.scratch = scratch.map(PathBuf::from);
        visitor.count_or_none("prefetch", &mut self.prefetch, Counts::between(0, 1024));
    }
}
