//! Event files as TensorBoard reads them: records with checksums, each a message in the encoding of protocol buffers.
//!
//! The messages are the parts that are used here of `event.proto`, `summary.proto`, `tensor.proto` and `graph.proto` of TensorFlow
//! (tensorboard/compat/proto); the frame of a record is that of its `record_writer.h`.
use prost::Message;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often a file is brought up to date for those who look at it while the training runs (our choice).
const FLUSH: Duration = Duration::from_secs(2);

/// One thing that is said of a step.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 4, 5, 7")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    /// An encoded [`Graph`].
    #[prost(bytes = "vec", tag = "4")]
    GraphDef(Vec<u8>),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    Session(Session),
}

/// Where a training begins again: what was said of this step and later ones no longer counts.
#[derive(Clone, PartialEq, Message)]
struct Session {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// The number that stands for a beginning in [`Session::status`].
const START: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// A named value of a step.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(message, optional, tag = "9")]
    metadata: Option<Metadata>,
    #[prost(oneof = "Content", tags = "2, 5, 8")]
    content: Option<Content>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Content {
    #[prost(float, tag = "2")]
    Scalar(f32),
    #[prost(message, tag = "5")]
    Histogram(Histogram),
    #[prost(message, tag = "8")]
    Tensor(Tensor),
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(message, optional, tag = "1")]
    plugin_data: Option<PluginData>,
}

#[derive(Clone, PartialEq, Message)]
struct PluginData {
    #[prost(string, tag = "1")]
    plugin_name: String,
}

/// How many values lie in each bucket; a bucket ends at its limit, and begins at the limit before it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(double, tag = "1")]
    pub(super) min: f64,
    #[prost(double, tag = "2")]
    pub(super) max: f64,
    #[prost(double, tag = "3")]
    pub(super) num: f64,
    #[prost(double, tag = "4")]
    pub(super) sum: f64,
    #[prost(double, tag = "5")]
    pub(super) sum_squares: f64,
    #[prost(double, repeated, tag = "6")]
    pub(super) bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    pub(super) bucket: Vec<f64>,
}

/// The number that stands for texts in [`Tensor::dtype`].
const TEXTS: i32 = 7;

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    texts: Vec<Vec<u8>>,
}

/// The sizes of a tensor; -1 is not known beforehand.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    dim: Vec<Dim>,
}

#[derive(Clone, PartialEq, Message)]
struct Dim {
    #[prost(int64, tag = "1")]
    size: i64,
}

/// The operations of a model.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<Node>,
    #[prost(message, optional, tag = "4")]
    versions: Option<Versions>,
}

#[derive(Clone, PartialEq, Message)]
struct Versions {
    #[prost(int32, tag = "1")]
    producer: i32,
}

/// One operation, by its name, with the names of those whose outputs it takes.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) op: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) input: Vec<String>,
    #[prost(btree_map = "string, message", tag = "5")]
    attr: BTreeMap<String, Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(oneof = "Attributed", tags = "1, 2")]
    value: Option<Attributed>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Attributed {
    #[prost(message, tag = "1")]
    List(List),
    #[prost(bytes = "vec", tag = "2")]
    Text(Vec<u8>),
}

#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(message, repeated, tag = "7")]
    shape: Vec<Shape>,
}

impl Shape {
    /// A batch of examples of this shape.
    pub(super) fn of_batch(example: impl IntoIterator<Item = u64>) -> Self {
        let sizes = example.into_iter().map(|size| i64::try_from(size).unwrap_or(-1));
        Self { dim: std::iter::once(-1).chain(sizes).map(|size| Dim { size }).collect() }
    }
}

impl Graph {
    pub(super) fn new(node: Vec<Node>) -> Self {
        // The version of graphs since 2017, which any TensorBoard takes.
        Self { node, versions: Some(Versions { producer: 22 }) }
    }
}

impl Node {
    pub(super) fn new(name: String, op: &str, input: Vec<String>) -> Self {
        Self { name, op: op.to_owned(), input, attr: BTreeMap::new() }
    }

    /// Says what shape it puts out.
    pub(super) fn with_shape(mut self, shape: Shape) -> Self {
        let shapes = Attributed::List(List { shape: vec![shape] });
        self.attr.insert("_output_shapes".to_owned(), Attribute { value: Some(shapes) });
        self
    }

    /// Says something of it.
    pub(super) fn with_text(mut self, key: &str, text: &str) -> Self {
        let text = Attributed::Text(text.as_bytes().to_vec());
        self.attr.insert(key.to_owned(), Attribute { value: Some(text) });
        self
    }
}

impl Value {
    pub(super) fn scalar(tag: impl Into<String>, value: f64) -> Self {
        Self { tag: tag.into(), metadata: None, content: Some(Content::Scalar(value as f32)) }
    }

    pub(super) fn histogram(tag: String, histogram: Histogram) -> Self {
        Self { tag, metadata: None, content: Some(Content::Histogram(histogram)) }
    }

    /// A text in Markdown.
    pub(super) fn text(tag: &str, text: &str) -> Self {
        let plugin = PluginData { plugin_name: "text".to_owned() };
        let texts = vec![text.as_bytes().to_vec()];
        let tensor = Tensor { dtype: TEXTS, shape: Some(Shape { dim: vec![Dim { size: 1 }] }), texts };
        let metadata = Some(Metadata { plugin_data: Some(plugin) });
        Self { tag: tag.to_owned(), metadata, content: Some(Content::Tensor(tensor)) }
    }
}

/// An event file that is written.
#[derive(Debug)]
pub(super) struct EventFile {
    file: BufWriter<File>,
    flushed: Instant,
}

impl EventFile {
    /// Begins a new file in a folder. Its name differs from that of every other, so that a resumed training adds one.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        static FILES: AtomicU32 = AtomicU32::new(0);
        std::fs::create_dir_all(folder)?;
        let (second, process) = (seconds() as u64, std::process::id());
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("events.out.tfevents.{second:010}.barograph.{process}.{number}");
        let mut file = Self { file: BufWriter::new(File::create_new(folder.join(name))?), flushed: Instant::now() };
        file.write(0, What::FileVersion("brain.Event:2".to_owned()))?;
        Ok(file)
    }

    pub(super) fn values(&mut self, step: u64, value: Vec<Value>) -> io::Result<()> {
        if value.is_empty() { Ok(()) } else { self.write(step, What::Summary(Summary { value })) }
    }

    pub(super) fn graph(&mut self, graph: &Graph) -> io::Result<()> {
        self.write(0, What::GraphDef(graph.encode_to_vec()))
    }

    /// Says that the training begins again with this step.
    pub(super) fn restart(&mut self, step: u64) -> io::Result<()> {
        self.write(step, What::Session(Session { status: START }))
    }

    fn write(&mut self, step: u64, what: What) -> io::Result<()> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let event = Event { wall_time: seconds(), step, what: Some(what) };
        self.file.write_all(&record(&event.encode_to_vec()))?;
        if self.flushed.elapsed() >= FLUSH { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        self.file.flush()
    }
}

/// Seconds since the Unix epoch.
fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A record: its length, the checksum of that, the bytes, the checksum of those.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let (head, tail) = (masked_checksum(&length).to_le_bytes(), masked_checksum(bytes).to_le_bytes());
    [&length[..], &head, bytes, &tail].concat()
}

/// CRC-32C, rotated and moved: a checksum of bytes that hold checksums would say little.
fn masked_checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Takes a file apart.
    fn events(folder: &Path) -> Vec<Event> {
        let path = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        assert!(path.to_string_lossy().contains("events.out.tfevents."));
        let (bytes, mut at, mut events) = (std::fs::read(path).unwrap(), 0, Vec::new());
        while at < bytes.len() {
            let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
            assert_eq!(bytes[at + 8..at + 12], masked_checksum(&bytes[at..at + 8]).to_le_bytes());
            let data = &bytes[at + 12..at + 12 + length];
            assert_eq!(bytes[at + 12 + length..at + 16 + length], masked_checksum(data).to_le_bytes());
            events.push(Event::decode(data).unwrap());
            at += 16 + length;
        }
        events
    }

    /// What the only file of a folder says: each event's step, with the tags of its values, or what else it is.
    pub(in crate::callbacks::tensor_board) fn told(folder: &Path) -> Vec<(i64, Vec<String>)> {
        let names = |what: Option<What>| match what {
            Some(What::FileVersion(version)) => vec![version],
            Some(What::GraphDef(_)) => vec!["graph".to_owned()],
            Some(What::Summary(summary)) => summary.value.into_iter().map(|value| value.tag).collect(),
            Some(What::Session(session)) => vec![format!("session {}", session.status)],
            None => Vec::new(),
        };
        events(folder).into_iter().map(|event| (event.step, names(event.what))).collect()
    }

    #[test]
    fn a_file_begins_with_its_version_and_holds_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(folder.path()).unwrap();
        let values = vec![Value::scalar("loss", f64::NAN), Value::text("note", "hello")];
        file.values(7, values.clone()).unwrap();
        file.values(8, Vec::new()).unwrap();
        file.flush().unwrap();
        let events = events(folder.path());
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].what, Some(What::FileVersion("brain.Event:2".to_owned())));
        assert_eq!(events[1].step, 7);
        let Some(What::Summary(summary)) = &events[1].what else { panic!("no summary") };
        assert!(matches!(summary.value[0].content, Some(Content::Scalar(value)) if value.is_nan()));
        assert_eq!(summary.value[1], values[1]);
    }

    #[test]
    fn checksums_are_those_of_the_format() {
        // CRC-32C of 32 zeros is in RFC 3720, B.4.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked_checksum(&[0; 32]), 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }
}
