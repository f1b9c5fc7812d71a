//! Batches, gathered ahead of the training on another thread.
use crate::batches::{Batch, Rows};
use crate::data::DataError;
use crate::recipe::Recipe;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

/// Batches that wait at most, where a recipe does not say: one that is being used up, and one to spare (our choice).
const DEFAULT_AHEAD: usize = 2;

/// The batches of an epoch, in order. Which thread gathers them changes no bit: a batch follows from its places alone.
pub(crate) enum Batches<'scope, 'rows> {
    /// Each gathered when it is asked for.
    Now { rows: &'scope Rows<'rows>, places: std::vec::IntoIter<&'scope [usize]> },
    /// From another thread, by a queue that holds only so many.
    Ahead(Receiver<Result<Batch, DataError>>),
}

impl<'scope, 'rows> Batches<'scope, 'rows> {
    /// Starts gathering the batches at these places, `ahead` of them at most; 0 starts no thread. The thread ends when the batches are
    /// dropped, or with the first that cannot be gathered.
    pub(crate) fn start(
        scope: &'scope Scope<'scope, '_>,
        rows: &'scope Rows<'rows>,
        places: Vec<&'scope [usize]>,
        ahead: usize,
    ) -> Self {
        if ahead == 0 {
            return Self::Now { rows, places: places.into_iter() };
        }
        // The thread holds one more in its hands.
        let (send, receive) = sync_channel(ahead - 1);
        scope.spawn(move || {
            for places in places {
                let batch = rows.gather(places);
                let failed = batch.is_err();
                if send.send(batch).is_err() || failed {
                    return;
                }
            }
        });
        Self::Ahead(receive)
    }

    /// The next batch; `None` after the last one.
    pub(crate) fn next(&mut self) -> Option<Result<Batch, DataError>> {
        match self {
            Self::Now { rows, places } => places.next().map(|places| rows.gather(places)),
            Self::Ahead(receive) => receive.recv().ok(),
        }
    }
}

/// How many batches are gathered ahead: what the recipe says, or else some where rows are slow to come by.
pub(crate) fn ahead(recipe: &Recipe, rows: &Rows<'_>) -> usize {
    let default = if rows.is_slow() { DEFAULT_AHEAD } else { 0 };
    recipe.data.prefetch.map_or(default, |ahead| ahead as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{RowSource, Targets};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A source that fails at one row, and counts what it was asked for.
    #[derive(Debug, Default)]
    struct Counting {
        bad: Option<usize>,
        asked: AtomicUsize,
    }

    impl RowSource for Counting {
        fn rows(&self) -> usize {
            100
        }

        fn features(&self) -> usize {
            1
        }

        fn inputs(&self, rows: &[usize], into: &mut Vec<f32>) -> Result<(), DataError> {
            self.asked.fetch_add(rows.len(), Ordering::SeqCst);
            if rows.iter().any(|row| Some(*row) == self.bad) {
                return Err(DataError::content("disk", "gone"));
            }
            into.extend(rows.iter().map(|&row| row as f32));
            Ok(())
        }

        fn targets(&self, rows: &[usize]) -> Result<Targets, DataError> {
            Ok(Targets::Classes(rows.iter().map(|&row| row as i64).collect()))
        }
    }

    /// The inputs of each batch, until one fails.
    fn all(source: &Counting, ahead: usize, taken: usize) -> (Vec<Vec<f32>>, bool) {
        let rows = Rows::new(source, (0..100).collect());
        let order = rows.order(7, 0, true);
        let (mut seen, mut failed) = (Vec::new(), false);
        std::thread::scope(|scope| {
            let mut batches = Batches::start(scope, &rows, order.chunks(8).collect(), ahead);
            for _ in 0..taken {
                match batches.next() {
                    Some(Ok(batch)) => seen.push(batch.inputs),
                    Some(Err(_)) => failed = true,
                    None => {}
                }
            }
        });
        (seen, failed)
    }

    #[test]
    fn gathering_ahead_changes_no_batch() {
        let (plain, _) = all(&Counting::default(), 0, 13);
        assert_eq!(plain.len(), 13);
        for ahead in [1, 2, 5, 100] {
            assert_eq!(all(&Counting::default(), ahead, 13), (plain.clone(), false), "{ahead}");
        }
    }

    #[test]
    fn no_more_is_gathered_ahead_than_asked_for() {
        let source = Counting::default();
        all(&source, 3, 2);
        let asked = source.asked.load(Ordering::SeqCst);
        assert!(asked <= (2 + 3 + 1) * 8, "two batches used, three waiting, one in the making: {asked} rows");
    }

    #[test]
    fn a_batch_that_cannot_be_gathered_is_told_in_its_place() {
        for ahead in [0, 2] {
            let rows = Rows::new(&Counting::default(), (0..100).collect()).order(7, 0, true);
            let at = rows.iter().position(|&row| row == 50).expect("there") / 8;
            let (seen, failed) = all(&Counting { bad: Some(50), ..Counting::default() }, ahead, at + 1);
            assert_eq!((seen.len(), failed), (at, true), "{ahead}");
        }
    }
}
