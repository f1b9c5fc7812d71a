//! Writing arrays for NumPy.
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An array to be written.
#[derive(Clone, Copy, Debug)]
pub enum NpzArray<'a> {
    /// Numbers in single precision, with their shape.
    Floats(&'a [f32], &'a [usize]),
    /// Whole numbers, with their shape.
    Integers(&'a [i64], &'a [usize]),
}

impl NpzArray<'_> {
    /// The header of a `.npy` file, version 1.0 (NEP 1), padded so that the numbers begin at a multiple of 64 bytes.
    fn header(&self) -> Vec<u8> {
        /// Magic, version, and the length of what follows.
        const PRELUDE: usize = 10;
        let (kind, shape) = match self {
            Self::Floats(_, shape) => ("<f4", *shape),
            Self::Integers(_, shape) => ("<i8", *shape),
        };
        let shape: Vec<String> = shape.iter().map(|size| format!("{size},")).collect();
        let shape = shape.join(" ");
        let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
        let padded = (PRELUDE + text.len() + 1).next_multiple_of(64) - PRELUDE;
        let mut header = b"\x93NUMPY\x01\x00".to_vec();
        header.extend((padded as u16).to_le_bytes());
        header.extend(format!("{text:<0$}\n", padded - 1).bytes());
        header
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(&self.header())?;
        let bytes: Vec<u8> = match self {
            Self::Floats(values, _) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Integers(values, _) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        };
        out.write_all(&bytes)
    }
}

/// Writes arrays into a `.npz` file, which NumPy's `load` reads.
///
/// # Errors
/// When the file cannot be written.
pub fn write_npz(path: &Path, arrays: &[(&str, NpzArray<'_>)]) -> std::io::Result<()> {
    write_arrays(File::create(path)?, arrays)
}

fn write_arrays(out: impl Write + Seek, arrays: &[(&str, NpzArray<'_>)]) -> std::io::Result<()> {
    let mut zip = ZipWriter::new(out);
    for (name, array) in arrays {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default())?;
        array.write(&mut zip)?;
    }
    zip.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Targets, read};
    use crate::recipe::{LayerSpec, LossKind, Recipe};

    #[test]
    fn what_is_written_can_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.npz");
        let (x, y) = ([1.5, -2.0, 3.0, 4.0, 5.0, 6.5], [1, 0]);
        write_npz(&path, &[("x", NpzArray::Floats(&x, &[2, 3])), ("y", NpzArray::Integers(&y, &[2]))]).expect("a file");
        let recipe =
            Recipe { layers: vec![LayerSpec::dense(2)], loss: LossKind::CrossEntropy.into(), ..Recipe::default() };
        let dataset = read(&path, &recipe).expect("a data set").dataset;
        let mut inputs = Vec::new();
        dataset.inputs(&[0, 1], &mut inputs).expect("two rows");
        assert_eq!((inputs.as_slice(), dataset.targets(&[0, 1]).ok()), (&x[..], Some(Targets::Classes(vec![1, 0]))));
    }

    #[test]
    fn numbers_begin_at_a_multiple_of_64_bytes() {
        for shape in [&[][..], &[7], &[1_000_000, 1_000_000, 12]] {
            let header = NpzArray::Floats(&[], shape).header();
            assert_eq!((header.len() % 64, header.last()), (0, Some(&b'\n')), "{shape:?}");
        }
    }
}
