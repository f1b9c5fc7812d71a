//! Reading comma-separated values.
use super::columns::{Selection, select};
use super::error::open;
use super::raw::{Inputs, Labels, Places, Raw, TargetColumn, counted, input, quoted};
use super::tail::Tail;
use super::{DataError, DataReport};
use crate::recipe::Recipe;
use ::csv::{ByteRecord, Reader, ReaderBuilder};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

/// Cells that stand for a missing value, in any case of letters.
const MISSING: [&str; 7] = ["", "na", "n/a", "nan", "null", "none", "?"];

/// A file being read, after its names of columns.
pub(crate) struct Csv {
    /// Over a file whose last bytes are remembered, to count lines in: the reader's own count is off after blank lines and `\r\n`.
    reader: Reader<Tail<File>>,
    record: ByteRecord,
    /// The line of `record`.
    line: u64,
    /// Whether `record` is the first row, because the file does not name its columns.
    pending: bool,
    pub(crate) columns: Vec<String>,
    pub(crate) delimiter: u8,
    pub(crate) places: Places,
}

impl Csv {
    /// Opens a file and reads the names of its columns: `c0`, `c1`, ... if the first line is all numbers.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Unreadable { path: path.to_owned(), source };
        let mut file = open(path)?;
        let delimiter = delimiter(&first_line(&mut file).map_err(unreadable)?);
        let source = Tail::new(file);
        let reader = ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(source);
        let mut csv = Self {
            reader,
            record: ByteRecord::new(),
            line: 1,
            pending: true,
            columns: Vec::new(),
            delimiter,
            places: Places::by_line(path),
        };
        if !csv.read_record()? {
            let text = "the file is empty; its first line should name the columns";
            return Err(DataError::content(csv.places.file(), text));
        }
        csv.pending = csv.record.iter().all(|cell| text(cell).is_some_and(|cell| number(cell).is_some()));
        csv.columns = if csv.pending {
            (0..csv.record.len()).map(|column| format!("c{column}")).collect()
        } else {
            csv.record.iter().enumerate().map(|(number, cell)| column_name(number, cell)).collect()
        };
        Ok(csv)
    }

    /// Whether the file names its columns.
    pub(crate) fn has_names(&self) -> bool {
        !self.pending
    }

    /// The next row: its line and its cells, as many as there are columns.
    pub(crate) fn next_row(&mut self) -> Result<Option<(u64, &ByteRecord)>, DataError> {
        if !std::mem::take(&mut self.pending) && !self.read_record()? {
            return Ok(None);
        }
        let (cells, columns) = (self.record.len(), self.columns.len());
        if cells != columns {
            let text = format!(
                "this line has {}, but the first has {}; look for a missing or surplus {:?}",
                counted(cells, "cell"),
                counted(columns, "cell"),
                char::from(self.delimiter)
            );
            return Err(DataError::broken(self.places.line(self.line), text));
        }
        Ok(Some((self.line, &self.record)))
    }

    fn read_record(&mut self) -> Result<bool, DataError> {
        let found = self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(|error| DataError::broken(self.places.file(), format!("cannot be read as CSV: {error}")))?;
        if found {
            self.count_lines();
        }
        Ok(found)
    }

    /// Moves `line` to the record that was just read.
    fn count_lines(&mut self) {
        let begin = self.record.position().map_or(0, ::csv::Position::byte);
        let (from, bytes) = self.reader.get_ref().remembered();
        let begin = (begin.saturating_sub(from) as usize).min(bytes.len());
        // The reader counts what stands between two records to the second.
        let breaks = bytes[begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.line += line_breaks(&bytes[..begin + breaks]);
        self.reader.get_mut().forget(from + (begin + breaks) as u64);
    }
}

/// The first line of a file, which is then at its beginning again.
fn first_line(file: &mut File) -> std::io::Result<Vec<u8>> {
    /// A longer line is judged by its beginning: our choice.
    const LONGEST: u64 = 1 << 24;
    let mut line = Vec::new();
    BufReader::new(&mut *file).take(LONGEST).read_until(b'\n', &mut line)?;
    file.rewind()?;
    Ok(line)
}

/// How often `\n`, `\r\n` or a lone `\r` ends a line.
fn line_breaks(bytes: &[u8]) -> u64 {
    let lone = |at: usize| bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    (0..bytes.len()).filter(|&at| bytes[at] == b'\n' || lone(at)).count() as u64
}

/// The name in a cell of the first line; a column without one is called by its number.
fn column_name(number: usize, cell: &[u8]) -> String {
    let name = String::from_utf8_lossy(trim(cell)).trim_start_matches('\u{feff}').to_owned();
    if name.is_empty() { format!("unnamed_{number}") } else { name }
}

/// Reads the columns that a recipe names.
pub(crate) fn read(path: &Path, recipe: &Recipe) -> Result<Raw, DataError> {
    let mut csv = Csv::open(path)?;
    let mut report = DataReport::default();
    if !csv.has_names() {
        let text = format!(
            "the first line is all numbers, so it is read as data; the columns are called c0 to c{}",
            csv.columns.len() - 1
        );
        report.note(&csv.places.line(1), text);
    }
    let Selection { inputs: chosen, targets: target_columns } = select(&csv.columns, recipe, csv.places.file())?;
    let columns = csv.columns.clone();
    let mut places = Places::by_line(path);
    let mut inputs = Inputs::begin(recipe)?;
    let mut targets: Vec<Target> = target_columns.iter().map(|_| Target::Missing(0)).collect();
    let mut rows = 0;
    while let Some((line, record)) = csv.next_row()? {
        places.push(line);
        for &column in &chosen {
            match &mut inputs {
                Inputs::Texts(texts) => texts.push(utf8(&record[column], &columns[column], line, &places)?.to_owned()),
                inputs => inputs.push(input_cell(&record[column], &columns[column], line, &places, &mut report)?)?,
            }
        }
        for (target, &column) in targets.iter_mut().zip(&target_columns) {
            target.push(&record[column], &columns[column], line, &places)?;
        }
        rows += 1;
    }
    Ok(Raw {
        feature_names: chosen.iter().map(|&column| columns[column].clone()).collect(),
        target_names: target_columns.iter().map(|&column| columns[column].clone()).collect(),
        inputs: inputs.finish(rows, chosen.len())?,
        targets: targets.into_iter().map(Target::finish).collect(),
        rows,
        places,
        report,
    })
}

fn input_cell(
    cell: &[u8],
    column: &str,
    line: u64,
    places: &Places,
    report: &mut DataReport,
) -> Result<f32, DataError> {
    let cell = utf8(cell, column, line, places)?;
    // Read in single precision at once: by way of double precision some values would be rounded twice.
    if let Ok(value) = cell.parse::<f32>()
        && value.is_finite()
    {
        return Ok(value);
    }
    if is_missing(cell) {
        report.cell(
            || places.line(line),
            || match cell {
                "" => format!("column {column:?} is empty; read as NaN"),
                cell => format!("column {column:?} is {cell:?}; read as NaN"),
            },
        );
        return Ok(f32::NAN);
    }
    if let Some(value) = number(cell) {
        return Ok(input(value, column, || places.line(line), report));
    }
    let advice = format!("take the column out with data.inputs = [\"!{column}\"], or mend the cell");
    Err(no_number(cell, column, line, places, &advice))
}

fn no_number(cell: &str, column: &str, line: u64, places: &Places, advice: &str) -> DataError {
    let advice = if number(&cell.replace(',', ".")).is_some() { "write decimals with a point" } else { advice };
    DataError::content(
        places.line(line),
        format!("column {column:?} holds {}, which is no number; {advice}", quoted(cell)),
    )
}

fn utf8<'a>(cell: &'a [u8], column: &str, line: u64, places: &Places) -> Result<&'a str, DataError> {
    text(cell).ok_or_else(|| {
        DataError::broken(places.line(line), format!("column {column:?} is not UTF-8 text; save the file as UTF-8"))
    })
}

/// A target column while it is read: its first cell that is not missing says whether it holds numbers or labels.
enum Target {
    /// So many rows, and none with a value.
    Missing(usize),
    Numbers(Vec<f64>),
    Labels(Labels),
}

impl Target {
    fn push(&mut self, cell: &[u8], column: &str, line: u64, places: &Places) -> Result<(), DataError> {
        let cell = utf8(cell, column, line, places)?;
        let missing = is_missing(cell);
        if let Self::Missing(rows) = self {
            if missing {
                *rows += 1;
                return Ok(());
            }
            *self = if number(cell).is_some() {
                Self::Numbers(vec![f64::NAN; *rows])
            } else if *rows == 0 {
                Self::Labels(Labels::default())
            } else {
                return Err(DataError::content(
                    places.row(0),
                    format!("column {column:?} has no label here; take the row out"),
                ));
            };
        }
        match self {
            Self::Missing(_) => {}
            Self::Numbers(values) if missing => values.push(f64::NAN),
            Self::Numbers(values) => match number(cell) {
                Some(value) => values.push(value),
                None => {
                    return Err(no_number(
                        cell,
                        column,
                        line,
                        places,
                        "the rows before it do hold numbers, so mend the cell",
                    ));
                }
            },
            Self::Labels(_) if missing => {
                return Err(DataError::content(
                    places.line(line),
                    format!("column {column:?} has no label here; take the row out"),
                ));
            }
            Self::Labels(labels) => labels.push(cell),
        }
        Ok(())
    }

    fn finish(self) -> TargetColumn {
        match self {
            Self::Missing(rows) => TargetColumn::Numbers(vec![f64::NAN; rows]),
            Self::Numbers(values) => TargetColumn::Numbers(values),
            Self::Labels(labels) => TargetColumn::Labels(labels),
        }
    }
}

/// The character that most often stands between the cells of the first line: a comma, a semicolon or a tab.
fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| !quoted && delimiter == byte) {
            *count += 1;
        }
    }
    // The first of equals: a single column has none of them.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

pub(crate) fn is_missing(cell: &str) -> bool {
    MISSING.iter().any(|missing| cell.eq_ignore_ascii_case(missing))
}

pub(crate) fn number(cell: &str) -> Option<f64> {
    cell.parse().ok()
}

/// A cell without the blanks around it, if it is text at all.
pub(crate) fn text(cell: &[u8]) -> Option<&str> {
    std::str::from_utf8(trim(cell)).ok()
}

fn trim(cell: &[u8]) -> &[u8] {
    cell.trim_ascii()
}
