//! The ranks of a distributed run, side by side.
use barograph_vocab::RankReading;

pub(super) mod differ;
pub(super) mod not_finite_first;
pub(super) mod straggles;

/// Ranks in words: `rank 2`, `ranks 0, 1 and 3`, `ranks 0, 1, 2 and 5 more`.
fn names(ranks: &[u32]) -> String {
    /// Ranks that are named; the rest are counted.
    const NAMED: usize = 3;
    match ranks {
        [] => "no rank".to_owned(),
        [one] => format!("rank {one}"),
        _ => {
            let (named, last) = match ranks.len() {
                many if many > NAMED + 1 => (NAMED, format!("{} more", many - NAMED)),
                few => (few - 1, ranks[few - 1].to_string()),
            };
            let named: Vec<_> = ranks[..named].iter().map(u32::to_string).collect();
            format!("ranks {} and {last}", named.join(", "))
        }
    }
}

/// The numbers of the ranks for which something holds.
fn ranks_that(ranks: &[RankReading], holds: impl Fn(&RankReading) -> bool) -> Vec<u32> {
    ranks.iter().filter(|rank| holds(rank)).map(|rank| rank.rank).collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_few_ranks_are_named_and_many_counted() {
        assert_eq!(names(&[2]), "rank 2");
        assert_eq!(names(&[0, 3]), "ranks 0 and 3");
        assert_eq!(names(&[0, 1, 2, 3]), "ranks 0, 1, 2 and 3");
        assert_eq!(names(&(0..64).collect::<Vec<_>>()), "ranks 0, 1, 2 and 61 more");
    }
}
