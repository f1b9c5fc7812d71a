//! What was last read of a file.
use std::io::{self, Read};

/// Passes a file on to a reader that reads ahead, and keeps what it has passed until it is told to forget.
#[derive(Debug)]
pub(crate) struct Tail<R> {
    source: R,
    kept: Vec<u8>,
    /// Bytes of `kept` that are forgotten already, and where in the file the first remembered one stands.
    forgotten: usize,
    start: u64,
}

/// Forgotten bytes are let go when there are so many (our choice: rarely, so that the rest is seldom moved).
const LET_GO: usize = 1 << 16;

impl<R> Tail<R> {
    pub(crate) const fn new(source: R) -> Self {
        Self { source, kept: Vec::new(), forgotten: 0, start: 0 }
    }

    /// Where in the file the remembered bytes begin, and the bytes.
    pub(crate) fn remembered(&self) -> (u64, &[u8]) {
        (self.start, &self.kept[self.forgotten..])
    }

    /// Forgets what stands before this place.
    pub(crate) fn forget(&mut self, until: u64) {
        let count = usize::try_from(until.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let count = count.min(self.kept.len() - self.forgotten);
        self.forgotten += count;
        self.start += count as u64;
        if self.forgotten >= LET_GO {
            self.kept.drain(..self.forgotten);
            self.forgotten = 0;
        }
    }
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.kept.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}
