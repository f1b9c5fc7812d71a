//! Reading Parquet, through its column interface.
use super::columns::{Selection, select};
use super::error::open;
use super::raw::{Inputs, Labels, Places, Raw, TargetColumn, input};
use super::{DataError, DataReport};
use crate::recipe::{Examples, Recipe};
use ::parquet::basic::{Compression, ConvertedType, LogicalType, Type};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::DataType;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescPtr;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Values of the columns that are asked for at a time: bounds the memory (our choice).
const VALUES_AT_ONCE: usize = 1 << 20;

/// Reads the columns that a recipe names.
pub(crate) fn read(path: &Path, recipe: &Recipe) -> Result<Raw, DataError> {
    let file = open(path)?;
    let places = Places::by_row(path);
    let name = places.file().to_owned();
    // The library checks most of what a broken file may claim, but not all.
    catch_unwind(AssertUnwindSafe(|| read_file(file, places, recipe))).unwrap_or_else(|_| {
        Err(DataError::broken(name, "the Parquet reader gave up on this file; it is damaged, so write it again"))
    })
}

fn broken(file: &str, error: &ParquetError) -> DataError {
    DataError::broken(file, format!("this is no Parquet file, or it is damaged ({error}); write it again"))
}

fn read_file(source: File, places: Places, recipe: &Recipe) -> Result<Raw, DataError> {
    let file = places.file();
    let reader = SerializedFileReader::new(source).map_err(|error| broken(file, &error))?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let Selection { inputs: chosen, targets: target_columns } = select(&names, recipe, file)?;
    let is_text = matches!(recipe.data.examples, Examples::Text { .. });
    for &column in chosen.iter().chain(&target_columns) {
        check_column(&schema.column(column), is_text || target_columns.contains(&column), file)?;
        check_compression(&reader, column, &names[column], file)?;
    }

    let mut report = DataReport::default();
    let mut inputs = Inputs::begin(recipe)?;
    let mut targets: Vec<Column> = target_columns.iter().map(|&column| Column::like(&schema.column(column))).collect();
    let mut rows = 0;
    let mut features: Vec<Column> = chosen.iter().map(|&column| Column::like(&schema.column(column))).collect();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| broken(file, &error))?;
        let stream = |&column: &usize| Stream::new(&*group, column, &schema.column(column));
        let streams = |columns: &[usize]| columns.iter().map(stream).collect::<Result<Vec<_>, _>>();
        let mut inputs_of_group = streams(&chosen).map_err(|error| broken(file, &error))?;
        let mut targets_of_group = streams(&target_columns).map_err(|error| broken(file, &error))?;
        let at_once = (VALUES_AT_ONCE / (chosen.len() + target_columns.len()).max(1)).max(1);
        loop {
            features.iter_mut().for_each(Column::clear);
            let columns = inputs_of_group.iter_mut().zip(&mut features);
            let columns = columns.chain(targets_of_group.iter_mut().zip(&mut targets));
            let counts = columns.map(|(stream, column)| stream.read(at_once, column)).collect::<Result<Vec<_>, _>>();
            let counts = counts.map_err(|error| broken(file, &error))?;
            let count = counts.first().copied().unwrap_or(0);
            if counts.iter().any(|other| *other != count) {
                return Err(DataError::broken(
                    file,
                    "its columns have different numbers of rows; it is damaged, so write it again",
                ));
            }
            if count == 0 {
                break;
            }
            for row in 0..count {
                for (values, &column) in features.iter().zip(&chosen) {
                    let place = || places.row(rows + row);
                    if let Inputs::Texts(texts) = &mut inputs {
                        texts.push(values.text(row, &names[column], place)?);
                        continue;
                    }
                    inputs.push(input(values.number(row), &names[column], place, &mut report))?;
                }
            }
            rows += count;
        }
    }
    let targets = targets
        .into_iter()
        .zip(&target_columns)
        .map(|(target, &column)| target.finish(&names[column], &places))
        .collect::<Result<_, _>>()?;
    Ok(Raw {
        feature_names: chosen.iter().map(|&column| names[column].clone()).collect(),
        target_names: target_columns.iter().map(|&column| names[column].clone()).collect(),
        inputs: inputs.finish(rows, chosen.len())?,
        targets,
        rows,
        places,
        report,
    })
}

/// Refuses what is no number, and for targets no text.
fn check_column(column: &ColumnDescPtr, is_target: bool, file: &str) -> Result<(), DataError> {
    let name = column.path().string();
    let refuse = |what: &str| {
        Err(DataError::content(
            file,
            format!("column {name:?} holds {what}; take it out of the recipe's columns, or write it as numbers"),
        ))
    };
    if column.max_rep_level() > 0 {
        return refuse("lists");
    }
    match column.logical_type_ref() {
        Some(LogicalType::Decimal { .. }) => return refuse("decimals"),
        Some(LogicalType::Date | LogicalType::Time { .. } | LogicalType::Timestamp { .. }) => {
            return refuse("dates or times");
        }
        _ => {}
    }
    match column.physical_type() {
        Type::BYTE_ARRAY if is_target => Ok(()),
        Type::BYTE_ARRAY => refuse("text"),
        Type::FIXED_LEN_BYTE_ARRAY => refuse("bytes of fixed length"),
        Type::INT96 => refuse("dates or times"),
        _ if matches!(column.converted_type(), ConvertedType::DECIMAL) => refuse("decimals"),
        _ => Ok(()),
    }
}

/// Refuses a compression that this build cannot undo.
fn check_compression(reader: &impl FileReader, column: usize, name: &str, file: &str) -> Result<(), DataError> {
    let compressions = reader.metadata().row_groups().iter().map(|group| group.column(column).compression());
    match compressions
        .into_iter()
        .find(|codec| !matches!(codec, Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_)))
    {
        Some(codec) => {
            let codec = format!("{codec:?}").to_lowercase();
            let codec = codec.split('(').next().unwrap_or_default();
            let text =
                format!("column {name:?} is compressed by {codec}; write it with zstd, snappy or no compression");
            Err(DataError::content(file, text))
        }
        None => Ok(()),
    }
}

/// The values of a column; `None` and NaN where one is missing.
enum Column {
    Numbers { values: Vec<f64>, unsigned: bool },
    Texts(Vec<Option<Vec<u8>>>),
}

impl Column {
    fn like(column: &ColumnDescPtr) -> Self {
        let unsigned_type = matches!(
            column.converted_type(),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        );
        match column.physical_type() {
            Type::BYTE_ARRAY => Self::Texts(Vec::new()),
            _ => Self::Numbers { values: Vec::new(), unsigned: unsigned_type },
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Numbers { values, .. } => values.clear(),
            Self::Texts(texts) => texts.clear(),
        }
    }

    fn number(&self, row: usize) -> f64 {
        match self {
            Self::Numbers { values, .. } => values[row],
            Self::Texts(_) => f64::NAN,
        }
    }

    /// The text of a row; empty where there is none.
    fn text(&self, row: usize, column: &str, place: impl Fn() -> String) -> Result<String, DataError> {
        let refuse = |what: &str| Err(DataError::content(place(), format!("column {column:?} {what}")));
        match self {
            Self::Numbers { .. } => refuse("holds numbers, and a text is wanted; name another column with data.inputs"),
            Self::Texts(texts) => match std::str::from_utf8(texts[row].as_deref().unwrap_or_default()) {
                Ok(text) => Ok(text.to_owned()),
                Err(_) => refuse("is not UTF-8 text"),
            },
        }
    }

    fn finish(self, column: &str, places: &Places) -> Result<TargetColumn, DataError> {
        let texts = match self {
            Self::Numbers { values, .. } => return Ok(TargetColumn::Numbers(values)),
            Self::Texts(texts) => texts,
        };
        let mut labels = Labels::default();
        for (row, text) in texts.iter().enumerate() {
            match text.as_deref().map(std::str::from_utf8) {
                Some(Ok(label)) => labels.push(label),
                Some(Err(_)) => {
                    return Err(DataError::content(places.row(row), format!("column {column:?} is not UTF-8 text")));
                }
                None => {
                    return Err(DataError::content(
                        places.row(row),
                        format!("column {column:?} has no label here; take the row out"),
                    ));
                }
            }
        }
        Ok(TargetColumn::Labels(labels))
    }
}

/// One column of a row group, read some rows at a time.
struct Stream {
    reader: ColumnReader,
    /// The definition level of a value that is there.
    top: i16,
}

impl Stream {
    fn new(group: &dyn RowGroupReader, number: usize, column: &ColumnDescPtr) -> Result<Self, ParquetError> {
        Ok(Self { reader: group.get_column_reader(number)?, top: column.max_def_level() })
    }

    /// Appends the next values, `most` of them at most. Returns how many.
    fn read(&mut self, most: usize, into: &mut Column) -> Result<usize, ParquetError> {
        let top = self.top;
        match into {
            Column::Texts(texts) => match &mut self.reader {
                ColumnReader::ByteArrayColumnReader(reader) => {
                    read_values(reader, most, top, |text| texts.push(text.map(|text| text.data().to_vec())))
                }
                _ => Err(changed()),
            },
            Column::Numbers { values, unsigned } => {
                let unsigned = *unsigned;
                let mut push = |value: Option<f64>| values.push(value.unwrap_or(f64::NAN));
                match &mut self.reader {
                    ColumnReader::BoolColumnReader(reader) => read_values(reader, most, top, |value| {
                        push(value.map(|flag| f64::from(u8::from(flag))));
                    }),
                    ColumnReader::Int32ColumnReader(reader) => {
                        read_values(reader, most, top, |value| {
                            push(value.map(
                                |whole| if unsigned { f64::from(whole.cast_unsigned()) } else { f64::from(whole) },
                            ));
                        })
                    }
                    ColumnReader::Int64ColumnReader(reader) => read_values(reader, most, top, |value| {
                        push(value.map(|whole| if unsigned { whole.cast_unsigned() as f64 } else { whole as f64 }));
                    }),
                    ColumnReader::FloatColumnReader(reader) => {
                        read_values(reader, most, top, |value| push(value.map(f64::from)))
                    }
                    ColumnReader::DoubleColumnReader(reader) => read_values(reader, most, top, push),
                    _ => Err(changed()),
                }
            }
        }
    }
}

fn changed() -> ParquetError {
    ParquetError::General("a column changes its type".to_owned())
}

/// Hands the next values of a column on, `None` for a null, until there are enough or none is left. Returns how many.
fn read_values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    most: usize,
    top: i16,
    mut push: impl FnMut(Option<T::T>),
) -> Result<usize, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut count = 0;
    while count < most {
        levels.clear();
        values.clear();
        let (records, _, _) = reader.read_records(most - count, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            break;
        }
        count += records;
        if top == 0 {
            values.drain(..).for_each(|value| push(Some(value)));
            continue;
        }
        let mut present = values.drain(..);
        for level in &levels {
            let value = if *level == top { Some(present.next().ok_or_else(changed)?) } else { None };
            push(value);
        }
    }
    Ok(count)
}
