//! A file that grows line by line.
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// A text file that callbacks write lines to. Each line is with the system when [`LineFile::write`] returns, so that a process that is
/// killed loses none. A file that cannot be written is given up, and the user hears of it once.
#[derive(Debug)]
pub(super) struct LineFile {
    path: PathBuf,
    append: bool,
    file: Option<File>,
    /// Bytes of the file after the last line.
    length: u64,
    resumed: bool,
    lost: bool,
    trouble: Option<String>,
}

/// What a resumed training must know of a file.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    length: u64,
}

impl LineFile {
    /// Replaces a file that is there already.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), append: false, file: None, length: 0, resumed: false, lost: false, trouble: None }
    }

    /// Whether a file that is there already is kept, and written on.
    pub(super) fn set_append(&mut self, append: bool) {
        self.append = append;
    }

    /// Writes a line, whose text ends with a line break. `head` comes before it where the file is empty.
    pub(super) fn write(&mut self, head: &str, line: &str) {
        if self.lost {
            return;
        }
        if let Err(error) = self.try_write(head, line) {
            self.lost = true;
            self.trouble = Some(format!("{}: {error}; the run goes on without this file", self.path.display()));
        }
    }

    fn try_write(&mut self, head: &str, line: &str) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let (file, length) = open(&self.path, self.append, self.resumed.then_some(self.length))?;
                self.length = length;
                self.file.insert(file)
            }
        };
        let text = if self.length == 0 { format!("{head}{line}") } else { line.to_owned() };
        file.write_all(text.as_bytes())?;
        self.length += text.len() as u64;
        Ok(())
    }

    /// Why it was given up, once.
    pub(super) fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// Where a resumed training goes on.
    pub(super) const fn place(&self) -> Place {
        Place { length: self.length }
    }

    /// Goes on from there: what was written after it is done again, and cut off.
    pub(super) fn resume(&mut self, place: Place) {
        (self.length, self.resumed) = (place.length, true);
    }
}

/// Opens a file for lines. Returns its length.
fn open(path: &PathBuf, append: bool, resumed_at: Option<u64>) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let kept = match resumed_at {
        Some(length) => length,
        None if append => u64::MAX,
        None => 0,
    };
    let mut length = file.metadata()?.len();
    if kept < length {
        file.set_len(kept)?;
        length = kept;
    }
    // A process that was killed while it wrote may have left half a line.
    if length > 0 {
        let mut last = [0];
        file.seek(SeekFrom::Start(length - 1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            length += 1;
        }
    }
    file.seek(SeekFrom::Start(length))?;
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::LineFile;

    #[test]
    fn a_file_is_replaced_or_written_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lines.txt");
        let text = || std::fs::read_to_string(&path).unwrap();
        LineFile::new(&path).write("head\n", "a\n");
        assert_eq!(text(), "head\na\n");
        LineFile::new(&path).write("head\n", "b\n");
        assert_eq!(text(), "head\nb\n");
        let mut file = LineFile::new(&path);
        file.set_append(true);
        file.write("head\n", "c\n");
        file.write("head\n", "d\n");
        assert_eq!(text(), "head\nb\nc\nd\n");
    }

    #[test]
    fn half_a_line_of_a_killed_process_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.txt");
        std::fs::write(&path, "a\nhal").unwrap();
        let mut file = LineFile::new(&path);
        file.set_append(true);
        file.write("", "b\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nhal\nb\n");
    }

    #[test]
    fn a_resumed_training_cuts_off_what_it_does_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.txt");
        let mut first = LineFile::new(&path);
        first.write("head\n", "a\n");
        let place = first.place();
        first.write("head\n", "lost\n");
        let mut second = LineFile::new(&path);
        second.resume(place);
        second.write("head\n", "b\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "head\na\nb\n");
        // A backup from before the first line begins the file anew.
        let mut third = LineFile::new(&path);
        third.resume(LineFile::new("other").place());
        third.write("head\n", "c\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "head\nc\n");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = LineFile::new(folder.path());
        file.write("", "a\n");
        file.write("", "b\n");
        assert!(file.trouble().is_some_and(|text| text.contains(&folder.path().display().to_string())));
        assert_eq!(file.trouble(), None);
    }
}
