//! Rows of buckets over the steps of a run of unknown length, in bounded memory.

/// What a bucket of a [`Grid`] holds.
pub(crate) trait Cell: Clone + Default {
    /// Takes in the bucket that follows in time.
    fn merge(&mut self, later: &Self);
}

/// Rows that share one axis of steps. When a step falls beyond the last bucket, the width of every bucket doubles.
#[derive(Clone, Debug)]
pub(crate) struct Grid<C> {
    capacity: usize,
    origin: Option<u64>,
    last: u64,
    width: u64,
    rows: Vec<Vec<C>>,
}

impl<C: Cell> Grid<C> {
    pub(crate) fn new(capacity: usize, rows: usize) -> Self {
        Self { capacity, origin: None, last: 0, width: 1, rows: vec![Vec::new(); rows] }
    }

    pub(crate) fn add_row(&mut self) -> usize {
        self.rows.push(Vec::new());
        self.rows.len() - 1
    }

    pub(crate) fn row(&self, row: usize) -> &[C] {
        &self.rows[row]
    }

    /// Steps of one bucket.
    pub(crate) fn width(&self) -> u64 {
        self.width
    }

    /// First step of the first bucket.
    pub(crate) fn origin(&self) -> u64 {
        self.origin.unwrap_or(0)
    }

    /// The last step seen.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The bucket of a step. A step before the first one seen belongs to the first bucket: nothing is lost.
    pub(crate) fn cell(&mut self, row: usize, step: u64) -> &mut C {
        self.last = self.last.max(step);
        let offset = step.saturating_sub(*self.origin.get_or_insert(step));
        while offset / self.width >= self.capacity as u64 {
            self.halve();
        }
        let index = (offset / self.width) as usize;
        let cells = &mut self.rows[row];
        if cells.len() <= index {
            cells.resize(index + 1, C::default());
        }
        &mut cells[index]
    }

    fn halve(&mut self) {
        self.width *= 2;
        for cells in &mut self.rows {
            *cells = halved(cells);
        }
    }
}

/// Neighbours merged by pairs.
fn halved<C: Cell>(cells: &[C]) -> Vec<C> {
    cells.chunks(2).map(merged).collect()
}

/// Several consecutive buckets as one.
pub(crate) fn merged<C: Cell>(cells: &[C]) -> C {
    cells.iter().fold(C::default(), |mut all, cell| {
        all.merge(cell);
        all
    })
}
