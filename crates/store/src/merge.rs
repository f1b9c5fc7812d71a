//! How two neighbouring steps become one record when the log is thinned.
use barograph_vocab::{Reading, Scalar, SiteReading, StepRecord, UnitReading};
use std::cmp::Ordering;

/// Merges the next step (or merged steps) into an earlier one, so that no non-finite value and no spike of either is hidden.
///
/// - `step` and `epoch` stay those of the earlier; `stands_for` is the sum.
/// - Scalars: each that either has. The first non-finite value wins; else the worse one: for `accuracy` and `r2`, also on
///   validation, the smaller, for all others the larger magnitude. Ties keep the earlier.
/// - Readings of one site and role: the reading of the step with the larger `l2`, as it was (so it stays the reading of a
///   real step), but with `min`, `max` and `abs_max` over both steps and the *sum* of their NaN, +Inf and -Inf elements;
///   `count` is its finite elements plus that sum.
/// - Unit readings of one site and role: the larger of each count; `worst` from the one with more non-finite, then dead,
///   then constant, then duplicate units.
///
/// The merge is associative: it does not matter in how many passes a log was thinned.
pub fn merge(earlier: &mut StepRecord, later: &StepRecord) {
    earlier.stands_for = earlier.stands_for.saturating_add(later.stands_for);
    for &(kind, value) in &later.scalars {
        match earlier.scalars.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, kept)) => *kept = worse(kind, *kept, value),
            None => earlier.scalars.push((kind, value)),
        }
    }
    merge_readings(&mut earlier.readings, &later.readings);
    for unit in &later.units {
        match earlier.units.iter_mut().find(|known| known.site == unit.site && known.role == unit.role) {
            Some(known) => merge_units(known, unit),
            None => earlier.units.push(*unit),
        }
    }
}

/// The value that must not be hidden by the other.
fn worse(kind: Scalar, earlier: f64, later: f64) -> f64 {
    let smaller_is_worse =
        matches!(kind, Scalar::Accuracy | Scalar::ValidationAccuracy | Scalar::R2 | Scalar::ValidationR2);
    let keep = match (earlier.is_finite(), later.is_finite()) {
        (false, _) => true,
        (true, false) => false,
        (true, true) if smaller_is_worse => earlier <= later,
        (true, true) => earlier.abs() >= later.abs(),
    };
    if keep { earlier } else { later }
}

/// Steps list their readings in the same order nearly always, so that the place in one list is the first guess in the other.
fn merge_readings(earlier: &mut Vec<SiteReading>, later: &[SiteReading]) {
    for (place, entry) in later.iter().enumerate() {
        let same = |known: &SiteReading| known.site == entry.site && known.role == entry.role;
        let found = match earlier.get(place) {
            Some(known) if same(known) => Some(place),
            _ => earlier.iter().position(same),
        };
        match found.and_then(|index| earlier.get_mut(index)) {
            Some(known) => merge_reading(&mut known.reading, &entry.reading),
            None => earlier.push(entry.clone()),
        }
    }
}

fn merge_reading(earlier: &mut Reading, later: &Reading) {
    let (first, second) = (*earlier, later);
    let mut merged = if louder(second, &first) { *second } else { first };
    let finite = finite_elements(&merged);
    merged.nan = first.nan.saturating_add(second.nan);
    merged.pos_inf = first.pos_inf.saturating_add(second.pos_inf);
    merged.neg_inf = first.neg_inf.saturating_add(second.neg_inf);
    merged.count = finite.saturating_add(non_finite_elements(&merged));
    // A reading without a finite element says 0 for its extremes and means "none".
    if finite_elements(&first) > 0 && finite_elements(second) > 0 {
        merged.min = first.min.min(second.min);
        merged.max = first.max.max(second.max);
        merged.abs_max = first.abs_max.max(second.abs_max);
    }
    *earlier = merged;
}

/// Whether the norm of `a` is above that of `b`; something is above nothing.
fn louder(a: &Reading, b: &Reading) -> bool {
    match (finite_elements(a) > 0).cmp(&(finite_elements(b) > 0)) {
        Ordering::Equal => a.l2.total_cmp(&b.l2) == Ordering::Greater,
        other => other == Ordering::Greater,
    }
}

fn non_finite_elements(reading: &Reading) -> u64 {
    reading.nan.saturating_add(reading.pos_inf).saturating_add(reading.neg_inf)
}

fn finite_elements(reading: &Reading) -> u64 {
    reading.count.saturating_sub(non_finite_elements(reading))
}

fn merge_units(earlier: &mut UnitReading, later: &UnitReading) {
    let rank = |unit: &UnitReading| (unit.non_finite, unit.dead, unit.constant, unit.duplicates);
    if rank(later) > rank(earlier) {
        earlier.worst = later.worst;
    }
    earlier.units = earlier.units.max(later.units);
    earlier.dead = earlier.dead.max(later.dead);
    earlier.constant = earlier.constant.max(later.constant);
    earlier.duplicates = earlier.duplicates.max(later.duplicates);
    earlier.non_finite = earlier.non_finite.max(later.non_finite);
}

#[cfg(test)]
mod tests {
    use super::merge;
    use barograph_vocab::{Reading, Role, Scalar, SiteId, SiteReading, StepRecord, UnitReading};

    fn step(number: u64, scalars: &[(Scalar, f64)], reading: &Reading) -> StepRecord {
        StepRecord {
            step: number,
            scalars: scalars.to_vec(),
            readings: vec![SiteReading { site: SiteId(0), role: Role::Gradient, reading: *reading }],
            stands_for: 1,
            ..StepRecord::default()
        }
    }

    fn reading(count: u64, nan: u64, min: f64, max: f64, l2: f64) -> Reading {
        Reading { count, nan, min, max, l2, abs_max: min.abs().max(max.abs()), ..Reading::EMPTY }
    }

    fn merged(steps: &[StepRecord]) -> StepRecord {
        let (first, rest) = steps.split_first().unwrap();
        let mut whole = first.clone();
        for next in rest {
            merge(&mut whole, next);
        }
        whole
    }

    #[test]
    fn one_nan_among_many_steps_stays() {
        let mut steps: Vec<_> =
            (0..8).map(|n| step(n, &[(Scalar::Loss, 1.0)], &reading(9, 0, -1.0, 1.0, 2.0))).collect();
        steps[5].scalars[0].1 = f64::NAN;
        steps[5].readings[0].reading.nan = 2;
        let whole = merged(&steps);
        assert_eq!((whole.step, whole.stands_for), (0, 8));
        assert!(whole.scalar(Scalar::Loss).unwrap().is_nan());
        assert_eq!(whole.readings[0].reading.nan, 2);
        assert_eq!(whole.readings[0].reading.finite(), 9);
    }

    #[test]
    fn a_spike_keeps_its_height_and_a_dip_of_accuracy_its_depth() {
        let quiet = step(0, &[(Scalar::Loss, 1.0), (Scalar::Accuracy, 0.9)], &reading(9, 0, -1.0, 1.0, 2.0));
        let spike = step(1, &[(Scalar::Loss, -70.0), (Scalar::Accuracy, 0.1)], &reading(9, 0, -0.5, 300.0, 400.0));
        let whole = merged(&[quiet.clone(), spike, quiet]);
        assert_eq!(whole.scalar(Scalar::Loss), Some(-70.0));
        assert_eq!(whole.scalar(Scalar::Accuracy), Some(0.1));
        let reading = whole.readings[0].reading;
        assert_eq!((reading.min, reading.max, reading.abs_max, reading.l2), (-1.0, 300.0, 300.0, 400.0));
    }

    #[test]
    fn the_zero_extremes_of_an_all_nan_tensor_are_not_extremes() {
        let good = step(0, &[], &reading(9, 0, 3.0, 5.0, 12.0));
        let bad = step(1, &[], &reading(9, 9, 0.0, 0.0, 0.0));
        for order in [[good.clone(), bad.clone()], [bad, good]] {
            let reading = merged(&order).readings[0].reading;
            assert_eq!((reading.min, reading.max, reading.nan, reading.finite()), (3.0, 5.0, 9, 9));
        }
    }

    #[test]
    fn the_order_of_passes_does_not_matter() {
        let steps: Vec<_> = (0..6_u32)
            .map(|n| {
                let f = f64::from(n * 7 % 5);
                let mut step = step(u64::from(n), &[(Scalar::Loss, f)], &reading(9, u64::from(n % 2), -f, f * 2.0, f));
                let worst = [n; 4];
                step.units.push(UnitReading {
                    site: SiteId(1),
                    role: Role::Activation,
                    units: 8,
                    dead: n * 3 % 4,
                    constant: n,
                    duplicates: 5 - n,
                    non_finite: n % 3,
                    worst,
                });
                step
            })
            .collect();
        let pairs: Vec<_> = steps.chunks(2).map(merged).collect();
        assert_eq!(merged(&pairs), merged(&steps));
    }
}
