//! Reading `NumPy`'s `.npz`: a zip archive of arrays.
use super::DataError;
use super::arrays::{self, ArrayFile};
use super::error::open;
use super::npy::{self, Array};
use super::raw::Raw;
use super::spool::Spool;
use super::stored::{Source, Stored};
use crate::recipe::Recipe;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use zip::{CompressionMethod, ZipArchive};

/// Reads the arrays that a recipe names: `x` and `y` if it names none.
pub(crate) fn read(path: &Path, recipe: &Recipe) -> Result<Raw, DataError> {
    let file = path.display().to_string();
    let archive = ZipArchive::new(BufReader::new(open(path)?)).map_err(|error| {
        DataError::broken(&*file, format!("this is no .npz archive, or it is cut short ({error}); save it again"))
    })?;
    let again = open(path)?;
    let length = again.metadata().map_err(|source| DataError::Unreadable { path: path.to_owned(), source })?.len();
    let source = Source::new(path, again);
    arrays::read(path, recipe, &mut Npz { file, archive, source, length, recipe })
}

/// An archive of arrays.
struct Npz<'a> {
    file: String,
    archive: ZipArchive<BufReader<File>>,
    /// The archive's file once more, for arrays that are not packed.
    source: Arc<Source>,
    /// Bytes of that file.
    length: u64,
    recipe: &'a Recipe,
}

impl Npz<'_> {
    fn broken(&self, array: &str, text: &str) -> DataError {
        DataError::broken(&*self.file, format!("array {array:?} {text}"))
    }
}

impl ArrayFile for Npz<'_> {
    fn names(&self) -> Vec<String> {
        self.archive.file_names().filter_map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned())).collect()
    }

    fn array(&mut self, name: &str) -> Result<Array, DataError> {
        let array = match self.archive.by_name(&format!("{name}.npy")) {
            Ok(source) => npy::read(source),
            Err(error) => Err(format!("cannot be unpacked: {error}")),
        };
        array.map_err(|text| self.broken(name, &text))
    }

    /// Where the array lies in the archive, or unpacked into a file of its own.
    fn stored(&mut self, name: &str) -> Result<Stored, DataError> {
        let placed = match self.archive.by_name(&format!("{name}.npy")) {
            Ok(mut entry) => npy::read_header(&mut entry).and_then(|header| {
                let bytes = header.bytes()?;
                if header.fortran && header.shape.len() > 1 {
                    return Err("is in Fortran order, whose rows lie scattered; save it in C order, with numpy.ascontiguousarray".to_owned());
                }
                let place = unpack(&mut entry, [header.length, bytes], self.recipe);
                Ok((header, bytes, place))
            }),
            Err(error) => Err(format!("cannot be unpacked: {error}")),
        };
        let (header, bytes, unpacked) = placed.map_err(|text| self.broken(name, &text))?;
        let cut =
            |there: u64| self.broken(name, &format!("is cut short: {there} of {bytes} bytes are there; save it again"));
        match unpacked? {
            Place::InTheArchive { at, there } if there >= bytes && at + bytes <= self.length => {
                Ok(Stored::new(self.source.clone(), at, header.shape, header.kind, header.big_endian))
            }
            Place::Apart { spool, there } if there == bytes => {
                spool.finish(header.shape, header.kind, header.big_endian)
            }
            Place::InTheArchive { there, .. } | Place::Apart { there, .. } => Err(cut(there)),
            Place::Broken(text) => Err(self.broken(name, &text)),
        }
    }
}

/// Where the numbers of an array are, and how many bytes of them.
enum Place {
    InTheArchive { at: u64, there: u64 },
    Apart { spool: Spool, there: u64 },
    Broken(String),
}

/// Finds the numbers of an entry whose header of so many bytes has been read; what is packed is unpacked.
fn unpack(
    entry: &mut zip::read::ZipFile<'_, BufReader<File>>,
    [header, bytes]: [u64; 2],
    recipe: &Recipe,
) -> Result<Place, DataError> {
    if let (CompressionMethod::Stored, Some(start)) = (entry.compression(), entry.data_start()) {
        return Ok(Place::InTheArchive { at: start + header, there: entry.compressed_size().saturating_sub(header) });
    }
    let mut spool = Spool::new(recipe)?;
    match spool.copy(entry.take(bytes))? {
        Ok(there) => Ok(Place::Apart { spool, there }),
        Err(error) => Ok(Place::Broken(format!("cannot be unpacked: {error}"))),
    }
}
